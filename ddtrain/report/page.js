/* Reads a figure's values aloud and beside it: by pointer, and by the arrow keys. All of them are in its table, too. */
for (const plot of document.querySelectorAll(".chart .plot")) {
  const picture = plot.querySelector("svg"), rows = [...plot.closest("figure").querySelectorAll("tr[data-x]")];
  if (rows.length === 0) continue;
  const heads = [...plot.closest("figure").querySelectorAll("thead th")].map(head => head.textContent);
  const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const said = document.createElement("output");
  let at = -1;
  cursor.setAttribute("class", "cursor");
  picture.append(cursor);
  plot.append(said);
  plot.tabIndex = 0;
  plot.setAttribute("role", "group");
  plot.setAttribute("aria-label", picture.querySelector("title").textContent + ": arrow keys read the values");
  const show = row => {
    at = Math.max(0, Math.min(rows.length - 1, row));
    const cells = [...rows[at].children].map(cell => cell.textContent);
    said.textContent = cells.map((cell, n) => cell === "" ? "" : heads[n] + " " + cell).filter(text => text !== "").join(", ");
    cursor.setAttribute("d", "M" + rows[at].dataset.x + " 12V206");
  };
  plot.addEventListener("pointermove", event => {
    const place = (event.clientX - picture.getBoundingClientRect().left) * 400 / picture.clientWidth;
    const far = rows.map(row => Math.abs(row.dataset.x - place));
    show(far.indexOf(Math.min(...far)));
  });
  plot.addEventListener("keydown", event => {
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
  });
}
