// Everything here only improves pages that work without it.
import { shortcuts } from "./shortcuts.js";
import { confirming, guarding, toasts } from "./forms.js";
import { charts } from "./charts.js";

toasts(document);
charts(document);
shortcuts();
confirming();
guarding();

// Parts that htmx brings in later.
document.addEventListener("htmx:load", (event) => {
  toasts(event.target);
  charts(event.target);
});
// A form that was sent by htmx answers 422 with its errors in place: show that answer as any other.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});
