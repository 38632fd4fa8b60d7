// Devices: htmx does the work; here only what it does not say: that no answer came.

const showUnsent = (event, unsent) => {
  const notice = event.target.closest("form")?.querySelector("[data-unsent]");
  if (notice) notice.hidden = !unsent;
};

document.body.addEventListener("htmx:beforeRequest", (event) => showUnsent(event, false));
document.body.addEventListener("htmx:sendError", (event) => showUnsent(event, true));
document.body.addEventListener("htmx:timeout", (event) => showUnsent(event, true));
