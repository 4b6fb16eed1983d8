// Adds sorting, filtering, and points that light their rows. Everything is on the page without it.
"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];

  // sorting: a click on a column's head; numbers as numbers, empty cells last
  const worth = (cell) => {
    const text = cell.textContent.trim();
    const number = Number(text.replace(/[,#%]/g, ""));
    return text === "" || text === "-" ? null : Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
  const sort = (table, head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    all("th", table).forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => [worth(row.cells[column]), row]);
    const known = rows.filter(([value]) => value !== null).sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
    table.tBodies[0].append(...known.map(([, row]) => row), ...rows.filter(([value]) => value === null).map(([, row]) => row));
  };
  for (const table of all("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, head, column));
    });
  }

  // filtering the trials
  const tools = document.getElementById("tools");
  if (tools) {
    tools.hidden = false;
    const [words, state, family] = ["words", "state", "family"].map((name) => document.getElementById(`filter-${name}`));
    const rows = all("#trials-table tbody tr");
    const apply = () => {
      const wanted = words.value.toLowerCase();
      let shown = 0;
      for (const row of rows) {
        const fits = (!state.value || row.cells[1].className === state.value) && (!family.value || row.cells[2].textContent === family.value);
        row.hidden = !(fits && row.textContent.toLowerCase().includes(wanted));
        shown += !row.hidden;
      }
      document.getElementById("filter-count").textContent = `${shown} of ${rows.length}`;
    };
    for (const field of [words, state, family]) field.addEventListener("input", apply);
    apply();
  }

  // a point and its row light each other; the point's words appear at once
  const tip = document.createElement("div");
  tip.className = "bubble";
  tip.hidden = true;
  tip.setAttribute("role", "status");
  document.body.append(tip);
  const points = new Map(all(".front a").map((point) => [point.getAttribute("href").slice(2), point]));
  const light = (number, on) => {
    document.getElementById(`t${number}`)?.classList.toggle("lit", on);
    points.get(number)?.classList.toggle("lit", on);
  };
  for (const [number, point] of points) {
    const title = point.querySelector("title");
    const words = title ? title.textContent : "";
    title?.remove();
    point.setAttribute("aria-label", words);
    const enter = () => {
      light(number, true);
      tip.textContent = words;
      tip.hidden = false;
      const box = point.getBoundingClientRect();
      const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
      tip.style.left = `${Math.max(8, left) + scrollX}px`;
      tip.style.top = `${box.top + scrollY - tip.offsetHeight - 8}px`;
    };
    const leave = () => {
      light(number, false);
      tip.hidden = true;
    };
    point.addEventListener("mouseenter", enter);
    point.addEventListener("focus", enter);
    point.addEventListener("mouseleave", leave);
    point.addEventListener("blur", leave);
  }
  const body = document.querySelector("#trials-table tbody");
  for (const [kind, on] of [["mouseover", true], ["mouseout", false]]) {
    body?.addEventListener(kind, (event) => {
      const row = event.target.closest("tr");
      if (row) light(row.id.slice(1), on);
    });
  }

  // on paper everything is open, afterwards as before
  const closed = () => all("main details:not([open])").filter((one) => !one.classList.contains("long"));
  let opened = [];
  addEventListener("beforeprint", () => { opened = closed(); opened.forEach((one) => { one.open = true; }); });
  addEventListener("afterprint", () => opened.forEach((one) => { one.open = false; }));
})();
