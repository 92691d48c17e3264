// A button beside each field that is there to be copied; without it the field is selected and copied by hand.
for (const field of document.querySelectorAll("input[data-copy]")) {
  field.addEventListener("focus", () => field.select());
  if (!navigator.clipboard) continue; // only over https or on this machine
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = "Copy";
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    said.textContent = " Copied.";
  });
  field.after(button, said);
}
