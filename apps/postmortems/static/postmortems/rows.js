// Lists of rows in a draft: add, remove, move, number; and fields set from plain values.
// Without this script the same buttons send the form, and the server does the same.

const FIRST = { timeline: "at", observations: "text", recommendations: "text", actions: "title" };
const EXCERPT = 60;

export const lists = (form) => [...form.querySelectorAll("[data-list]")];
export const rowsOf = (list) => [...list.querySelectorAll(":scope > [data-row]")];
const controls = (form, name) => [...form.elements].filter((control) => control.name === name);
const isChoice = (control) => control.type === "checkbox" || control.type === "radio";

/** A new row at the end of a list; `id` of an existing one when words are brought back. */
export function addRow(form, name, id = newId()) {
    const list = form.querySelector(`[data-list="${name}"]`);
    const fresh = form.querySelector(`template[data-fresh="${name}"]`);
    const holder = document.createElement("template");
    holder.innerHTML = fresh.innerHTML.replaceAll("newrow", id).trim();
    list.append(holder.content.firstElementChild);
    return list.lastElementChild;
}

function newId() {
    return [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Titles count from 1, and recommendations offer the observations that there are now. */
export function renumber(form) {
    for (const list of lists(form)) {
        rowsOf(list).forEach((row, index) => {
            for (const title of row.querySelectorAll("[data-title]")) {
                title.textContent = title.textContent.trim().replace(/\d+$/, index + 1);
            }
        });
    }
    offerObservations(form);
}

function offerObservations(form) {
    const list = form.querySelector('[data-list="observations"]');
    if (!list) return;
    const choices = rowsOf(list).map((row, index) => {
        const text = row.querySelector("textarea").value.trim().replace(/\s+/g, " ");
        return [row.dataset.row, `O${index + 1}: ${text.length > EXCERPT ? `${text.slice(0, EXCERPT - 1)}…` : text}`];
    });
    for (const cell of form.querySelectorAll("[data-cites-of]")) {
        const name = `recommendations-${cell.dataset.citesOf}-cites`;
        const holder = document.getElementById(`id_${name}`);
        const chosen = controls(form, name).filter((box) => box.checked).map((box) => box.value);
        const focused = controls(form, name).find((box) => box === document.activeElement)?.value;
        holder.replaceChildren(...choices.map(([value, text], index) => {
            const box = Object.assign(document.createElement("input"), { type: "checkbox", name, value, id: `id_${name}_${index}` });
            box.checked = chosen.includes(value);
            const label = document.createElement("label");
            label.append(box, ` ${text}`);
            const line = document.createElement("div");
            line.append(label);
            return line;
        }));
        controls(form, name).find((box) => box.value === focused)?.focus();
        const none = cell.querySelector("[data-no-cites]");
        if (none) none.hidden = choices.length > 0;
    }
}

/** The buttons of rows; `changed` is called after each. */
export function listen(form, changed) {
    form.addEventListener("click", (event) => {
        const button = event.target.closest("button[data-add], button[data-remove], button[data-move]");
        if (!button) return;
        event.preventDefault();
        if (button.dataset.add) {
            const row = addRow(form, button.dataset.add);
            renumber(form);
            form.elements[`${button.dataset.add}-${row.dataset.row}-${FIRST[button.dataset.add]}`].focus();
        } else {
            const row = button.closest("[data-row]");
            if (button.dataset.move) move(row, Number(button.dataset.move), button);
            else remove(row);
            renumber(form);
        }
        changed();
    });
    form.addEventListener("input", (event) => {
        if (event.target.name?.startsWith("observations-")) offerObservations(form);
    });
}

function move(row, by, button) {
    const other = by < 0 ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(row);
    else other.after(row);
    button.focus();
}

function remove(row) {
    const list = row.parentElement;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (next?.querySelector("[data-remove]") ?? list.parentElement.querySelector(`[data-add="${list.dataset.list}"]`))?.focus();
}

/** Rows of a list become those of `ids`, in that order; the cursor stays where it is. */
export function arrange(form, name, ids) {
    const list = form.querySelector(`[data-list="${name}"]`);
    const active = document.activeElement;
    const cursor = active?.selectionStart;
    for (const row of rowsOf(list)) if (!ids.includes(row.dataset.row)) row.remove();
    const have = new Map(rowsOf(list).map((row) => [row.dataset.row, row]));
    for (const id of ids) list.append(have.get(id) ?? addRow(form, name, id));
    if (active && active !== document.activeElement && form.contains(active)) {
        active.focus();
        if (typeof cursor === "number" && active.setSelectionRange) active.setSelectionRange(cursor, cursor);
    }
}

/** What a field of that name holds, as a list. */
export function valuesOf(form, name) {
    return controls(form, name).filter((control) => !isChoice(control) || control.checked).map((control) => control.value);
}

/** Set a field: text, or the values that are ticked. */
export function setValues(form, name, values) {
    for (const control of controls(form, name)) {
        if (isChoice(control)) control.checked = values.includes(control.value);
        else if (control.value !== values[0]) control.value = values[0] ?? "";
    }
}
