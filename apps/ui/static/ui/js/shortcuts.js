// Keys: "/" search, "n" new, "?" help, "g" and a letter to go to a place. They can be switched off (WCAG 2.1.4).
const STORED = "aftercast.keys";
const WAIT_MS = 1500; // for the letter after "g"

export function shortcuts() {
  const help = document.getElementById("help-dialog");
  if (!help) return;
  const choice = document.getElementById("keys-on");
  choice.checked = read() !== "off";
  choice.addEventListener("change", () => write(choice.checked ? "on" : "off"));
  for (const opener of document.querySelectorAll("[data-help]")) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (!choice.checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    const place = performance.now() < going && document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    going = 0;
    if (place) place.click();
    else if (event.key === "/") document.querySelector("[data-search]")?.focus();
    else if (event.key === "?") help.showModal();
    else if (event.key === "n") document.querySelector("[data-new]")?.click();
    else if (event.key === "g") {
      going = performance.now() + WAIT_MS;
      return;
    } else return;
    event.preventDefault();
  });
}

function typing(target) {
  return target instanceof Element && (target.closest("input, textarea, select") || target.isContentEditable);
}

// A browser may forbid storage: then the keys are on.
function read() {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function write(value) {
  try {
    localStorage.setItem(STORED, value);
  } catch {
    // Nothing to keep it in; it holds for this page.
  }
}
