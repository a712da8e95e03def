// The list of records. htmx fetches and merges it; here is only the question why a copy is wanted.

import { element, setText, start } from "./page.js";

const dialog = element("reprint");
const form = element("reprint-form");

document.addEventListener("click", (event) => {
  const asked = event.target.closest("[data-reprint]");
  if (asked) {
    form.setAttribute("hx-post", `/records/${encodeURIComponent(asked.dataset.reprint)}/print`);
    setText(element("reprint-label"), asked.dataset.label);
    dialog.showModal();
  }
  if (event.target.closest("#reprint [data-dismiss]")) dialog.close();
});

form.addEventListener("submit", () => dialog.close());

start(() => {});
