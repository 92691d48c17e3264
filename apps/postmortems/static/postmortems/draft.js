// Saves a draft while one types. What cannot be sent stays in this browser until it can; two people who
// write at once are merged by the server, and asked where both changed the same field.

import { addRow, arrange, listen, lists, renumber, rowsOf, setValues, valuesOf } from "./rows.js";

const WAIT_MS = 800;
const LOOK_MS = 15_000;
const RETRY_MS = [2_000, 5_000, 15_000, 30_000];
const OURS = new Set(["csrfmiddlewaretoken", "base", "pasted", "go", "do"]);

class Writing {
    constructor(form) {
        this.form = form;
        this.status = form.querySelector("[data-status]");
        this.key = `draft:${form.dataset.user}:${form.dataset.draft}:${form.dataset.step}`;
        this.version = Number(form.dataset.version);
        this.saved = this.typed();
        this.failures = 0;
        this.undecided = 0;
        this.refused = false;
        this.leaving = false;
        this.bringBack();
        form.addEventListener("input", (event) => event.target.closest("[data-narrow]") || this.changed());
        form.addEventListener("submit", (event) => this.submit(event));
        listen(form, () => this.changed());
        window.addEventListener("online", () => this.save());
        window.addEventListener("offline", () => this.isDirty() && this.keep());
        window.addEventListener("beforeunload", (event) => {
            if (!this.leaving && this.isDirty()) event.preventDefault();
        });
        document.addEventListener("visibilitychange", () => document.hidden && this.isDirty() && this.save());
        window.setInterval(() => this.look(), LOOK_MS);
    }

    get base() {
        return JSON.parse(this.form.elements.base.value || "{}");
    }

    set base(part) {
        this.form.elements.base.value = JSON.stringify(part);
    }

    fields() {
        return [...new FormData(this.form)].filter(([name]) => !OURS.has(name) && !name.startsWith("keep."));
    }

    typed() {
        return JSON.stringify(this.fields());
    }

    isDirty() {
        return this.typed() !== this.saved;
    }

    say(text) {
        if (this.status.textContent !== text) this.status.textContent = text;
    }

    changed() {
        this.refused = false;
        this.keep();
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.save(), WAIT_MS);
    }

    // --- words that are not sent yet -----------------------------------------------------------------
    keep() {
        try {
            localStorage.setItem(this.key, JSON.stringify({ base: this.base, fields: this.fields() }));
            return true;
        } catch {
            this.say("Not saved yet, and this browser keeps nothing: stay on this page");
            return false;
        }
    }

    forget() {
        try {
            localStorage.removeItem(this.key);
        } catch {
            // Nothing was kept either.
        }
    }

    bringBack() {
        let kept = null;
        try {
            kept = JSON.parse(localStorage.getItem(this.key));
        } catch {
            return;
        }
        if (!kept?.fields || JSON.stringify(kept.fields) === this.saved) {
            this.forget();
            return;
        }
        this.fill(kept.fields);
        this.base = kept.base;
        this.say("Words that had not been saved are back");
        this.save();
    }

    fill(fields) {
        const values = new Map();
        for (const [name, value] of fields) values.set(name, [...(values.get(name) ?? []), value]);
        for (const list of lists(this.form)) arrange(this.form, list.dataset.list, values.get(`${list.dataset.list}-row`) ?? []);
        renumber(this.form);
        for (const name of new Set([...this.form.elements].map((control) => control.name))) {
            if (name && !OURS.has(name) && !name.endsWith("-row")) setValues(this.form, name, values.get(name) ?? []);
        }
        renumber(this.form);
    }

    // --- saving ------------------------------------------------------------------------------------
    /** Resolves when what was typed until now is saved, or cannot be. */
    async save({ always = false } = {}) {
        window.clearTimeout(this.timer);
        while (this.sending) await this.sending;
        if (this.undecided || this.refused || (!always && !this.isDirty())) return;
        this.sending = this.send();
        await this.sending;
    }

    async send() {
        const sent = this.typed();
        const body = new FormData(this.form);
        body.set("step", this.form.dataset.step);
        this.say("Saving…");
        try {
            const reply = await fetch(this.form.dataset.save, { method: "POST", body, headers: { Accept: "application/json" } });
            const isJson = reply.headers.get("Content-Type")?.startsWith("application/json");
            if (!isJson) throw new Error(reply.redirected ? "signed out" : `status ${reply.status}`);
            this.answer(reply.status, await reply.json(), sent);
            this.failures = 0;
        } catch (error) {
            this.away(error);
        } finally {
            this.sending = null;
        }
    }

    answer(status, said, sent) {
        if (status === 200) {
            this.take(said, sent);
            return;
        }
        this.keep();
        if (said.code === "conflict") {
            this.ask(said, sent);
            return;
        }
        this.refused = true;
        this.say(`Not saved: ${said.detail} ${said.remedy ?? ""}`.trim());
    }

    take(said, sent) {
        const typedOn = this.typed() !== sent;
        this.merge(said, sent);
        this.version = said.version;
        if (typedOn) {
            this.saved = sent;
            this.changed();
            return;
        }
        this.saved = this.typed();
        this.forget();
        const others = said.taken.length ? `, with changes of ${said.before === this.form.dataset.me ? "your other window" : said.before}` : "";
        this.say(`Saved ${clock(said.saved_at)}${others}`);
    }

    away(error) {
        const kept = this.keep();
        if (error.message === "signed out") {
            this.say("You are signed out. Your words are kept in this browser; sign in in another tab, then go on");
        } else if (kept) {
            this.say("Offline: kept in this browser, will save");
        }
        const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
        this.failures += 1;
        window.clearTimeout(this.timer);
        this.timer = window.setTimeout(() => this.save(), wait);
    }

    // --- others ------------------------------------------------------------------------------------
    /** Show what others changed. A field that was typed in since keeps its old base: the server will ask. */
    merge(said, sent) {
        const before = this.base;
        const after = said.base;
        const old = new Map();
        for (const [name, value] of JSON.parse(sent)) old.set(name, [...(old.get(name) ?? []), value]);
        for (const name of Object.keys(after).filter((key) => this.form.querySelector(`[data-list="${key}"]`))) {
            const ids = after[name].map((row) => row.id);
            const typedSince = rowsOf(this.form.querySelector(`[data-list="${name}"]`)).map((row) => row.dataset.row);
            const mine = typedSince.filter((id) => !(old.get(`${name}-row`) ?? []).includes(id));
            if (said.taken.some((path) => path.startsWith(`${name}.`))) {
                for (const id of ids) if (!typedSince.includes(id)) this.addFrom(name, after[name].find((row) => row.id === id));
                arrange(this.form, name, [...ids, ...mine]);
            }
        }
        for (const path of said.taken) {
            const [name, value] = at(after, path);
            if (name === null) continue;
            if (same(valuesOf(this.form, name), old.get(name) ?? []) || !old.has(name)) setValues(this.form, name, value);
            else put(after, path, at(before, path)[2]);
        }
        this.base = after;
        if (said.taken.length) renumber(this.form);
    }

    addFrom(name, row) {
        addRow(this.form, name, row.id);
        renumber(this.form);
        for (const [column, value] of Object.entries(row)) {
            if (column !== "id") setValues(this.form, `${name}-${row.id}-${column}`, [value].flat());
        }
    }

    /** Two texts for the same field: both are shown, and saving waits for a choice. */
    ask(said, sent) {
        const before = this.base;
        this.merge(said, sent);
        const after = this.base;
        this.undecided = said.conflicts.length;
        this.say(`${said.by} changed this too: choose above`);
        const card = element("section", { className: "card clash-card", role: "alert" });
        card.append(element("h2", { textContent: `${said.by} changed this too`, tabIndex: -1 }));
        card.append(element("p", { textContent: `Saved ${clock(said.saved_at)} by ${said.by}. Choose for each field; nothing is lost.` }));
        for (const clash of said.conflicts) card.append(this.question(clash, after, card));
        this.form.querySelector("[data-clashes]").replaceChildren(card);
        // Until then a reload must ask again.
        this.base = before;
        this.keep();
        this.base = after;
    }

    question(clash, after, card) {
        const field = element("fieldset", { className: "clash" });
        field.append(element("legend", { textContent: clash.label }));
        const decide = (isTheirs) => {
            const [name, value] = at(after, clash.name);
            if (isTheirs && name !== null) setValues(this.form, name, value);
            field.remove();
            this.undecided -= 1;
            if (this.undecided) return;
            card.remove();
            this.keep();
            this.save({ always: true });
            (this.form.elements[name]?.focus ? this.form.elements[name] : this.status).focus();
        };
        for (const [text, label, isTheirs] of [[clash.mine, "Keep mine", false], [clash.theirs, "Take theirs", true]]) {
            const side = element("div", { className: "clash-side" });
            const button = element("button", { type: "button", className: "button", textContent: label });
            button.addEventListener("click", () => decide(isTheirs));
            side.append(button, element("p", { className: "clash-text", textContent: text || "(empty)" }));
            field.append(side);
        }
        return field;
    }

    async look() {
        if (document.hidden || this.isDirty() || this.sending || this.undecided) return;
        try {
            const reply = await fetch(this.form.dataset.save, { headers: { Accept: "application/json" } });
            const said = await reply.json();
            if (said.state !== "open") this.say("This draft has been filed or put away meanwhile");
            else if (said.version > this.version) await this.save({ always: true });
        } catch {
            // Offline, and nothing to send.
        }
    }

    // --- leaving -----------------------------------------------------------------------------------
    async submit(event) {
        if (this.leaving) return;
        event.preventDefault();
        const { submitter } = event;
        await this.save();
        // A form that is still being submitted ignores a second request: wait until this event is over.
        await new Promise((over) => window.setTimeout(over));
        if (this.undecided) {
            this.form.querySelector("[data-clashes] h2").focus();
        } else if (this.refused || !this.isDirty()) {
            this.leaving = true;
            this.form.requestSubmit(submitter);
        }
    }
}

/** The name of the form's field for a path of a part, its values as a list, and its value. */
function at(part, path) {
    const [key, id, column] = path.split(".");
    if (key === "labels") return [id, [part.labels?.[id] ?? ""].flat(), part.labels?.[id]];
    if (id === undefined) return Array.isArray(part[key]) ? [null] : [key, [part[key] ?? ""], part[key]];
    const row = part[key]?.find((found) => found.id === id);
    return column && row ? [`${key}-${id}-${column}`, [row[column] ?? ""].flat(), row[column]] : [null];
}

function put(part, path, value) {
    const [key, id, column] = path.split(".");
    if (key === "labels") part.labels[id] = value;
    else if (id === undefined) part[key] = value;
    else if (value !== undefined) part[key].find((row) => row.id === id)[column] = value;
}

function same(one, other) {
    return JSON.stringify(one) === JSON.stringify(other);
}

function element(tag, properties) {
    const made = document.createElement(tag);
    const { role, ...plain } = properties;
    if (role) made.setAttribute("role", role);
    return Object.assign(made, plain);
}

function clock(iso) {
    return new Date(iso).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** Long lists of codes can be narrowed down; what is ticked stays in sight. */
function narrow(form) {
    for (const holder of form.querySelectorAll("[data-narrow]")) {
        holder.hidden = false;
        const field = holder.closest("fieldset");
        holder.addEventListener("input", (event) => {
            const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
            for (const choice of field.querySelectorAll(".choice[data-words]")) {
                const text = choice.dataset.words.toLowerCase();
                choice.hidden = !choice.querySelector(":checked") && !words.every((word) => text.includes(word));
            }
            for (const group of field.querySelectorAll(".choice-group")) group.hidden = !group.querySelector(".choice:not([hidden])");
        });
        holder.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
    }
}

const form = document.getElementById("draft-form");
if (form) {
    narrow(form);
    new Writing(form);
}
