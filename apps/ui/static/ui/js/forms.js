// Toasts that can be put away, questions before a form is sent, and a warning before typed words are lost.

export function toasts(root) {
  for (const button of root.querySelectorAll("[data-dismiss]")) {
    button.hidden = false;
    button.addEventListener("click", () => button.closest("[data-toast]").remove());
  }
}

// <form data-confirm="What it does." data-confirm-title="Revert release 7?" data-confirm-action="Revert">
export function confirming() {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog) return;
  const yes = dialog.querySelector("[data-confirm-yes]");
  let waiting = null;
  const agreed = new WeakSet();

  // Before any other listener, htmx's too: a form that was not agreed to is sent by nobody.
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.confirm || agreed.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      waiting = { form, submitter: event.submitter };
      dialog.querySelector("#confirm-title").textContent = form.dataset.confirmTitle || "Are you sure?";
      dialog.querySelector("[data-confirm-text]").textContent = form.dataset.confirm;
      yes.textContent = form.dataset.confirmAction || event.submitter?.textContent.trim() || "Continue";
      dialog.returnValue = "no";
      dialog.showModal();
    },
    true,
  );
  dialog.addEventListener("close", () => {
    const { form, submitter } = waiting ?? {};
    waiting = null;
    if (dialog.returnValue !== "yes" || !form) return;
    agreed.add(form);
    form.requestSubmit(submitter);
  });
}

// <form data-guard>: leaving with unsent changes asks first. A room that saves drafts says so by dispatching
// "aftercast:saved" on the form.
export function guarding() {
  const dirty = new Set();
  const mark = (event) => {
    const form = event.target.form;
    if (form?.matches("[data-guard]")) dirty.add(form);
  };
  document.addEventListener("input", mark);
  document.addEventListener("change", mark);
  document.addEventListener("submit", (event) => dirty.delete(event.target));
  document.addEventListener("aftercast:saved", (event) => dirty.delete(event.target));
  window.addEventListener("beforeunload", (event) => {
    for (const form of dirty) if (!form.isConnected) dirty.delete(form);
    if (dirty.size) event.preventDefault();
  });
}
