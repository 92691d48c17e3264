// Reads values off a chart over time, and lets one drag an interval to see it closer. The same numbers are in the
// chart's table; dragging only sets ?from=&to= of the address.
const BOX = 1000; // units of the stretched box (apps/ui/charts.py)
const LEAST_DRAG_PX = 8;

export function charts(root) {
  for (const figure of root.querySelectorAll("[data-chart]")) {
    const plot = figure.querySelector("[data-plot]");
    if (plot && !plot.dataset.ready) {
      plot.dataset.ready = "yes";
      reading(figure, plot);
      if (figure.hasAttribute("data-zoom")) zooming(figure, plot);
      plot.addEventListener("click", (event) => {
        const band = event.target.closest?.("[data-href]");
        if (band && !plot.dataset.dragged) window.location.assign(band.dataset.href);
      });
    }
  }
}

function share(plot, event) {
  const box = plot.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
}

function microseconds(figure, at) {
  const start = Number(figure.dataset.start);
  return start + at * (Number(figure.dataset.end) - start);
}

function words(us, spanUs) {
  const text = new Date(us / 1000).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, spanUs < 600e6 ? 19 : 16)} UTC`;
}

function reading(figure, plot) {
  const readout = figure.querySelector("[data-readout]");
  const cross = plot.querySelector("[data-cross]");
  const span = Number(figure.dataset.end) - Number(figure.dataset.start);
  let curves = null;

  const show = (event) => {
    curves ??= [...plot.querySelectorAll("[data-curve]")].map(points);
    const at = share(plot, event);
    cross.setAttribute("x1", `${at * 100}%`);
    cross.setAttribute("x2", `${at * 100}%`);
    cross.setAttribute("visibility", "visible");
    readout.replaceChildren(words(microseconds(figure, at), span));
    for (const curve of curves) {
      const value = nearest(curve, at * BOX);
      if (value === null) continue;
      const strong = document.createElement("b");
      strong.textContent = `${value} ${figure.dataset.unit}`.trim();
      readout.append(curves.length > 1 ? ` · ${curve.label} ` : " · ", strong);
    }
    const band = [...plot.querySelectorAll(".band")].find((one) => covers(one, at));
    if (band) readout.append(` · ${band.dataset.label.split(": ")[0]}`);
  };
  const hide = () => {
    cross.setAttribute("visibility", "hidden");
    readout.replaceChildren();
  };
  plot.addEventListener("pointermove", show);
  plot.addEventListener("pointerdown", show);
  plot.addEventListener("pointerleave", hide);
}

// The places of a curve's points in the box, and their values as the server wrote them.
function points(path) {
  const xs = [...path.getAttribute("d").matchAll(/[ML]([\d.]+),/g)].map((found) => Number(found[1]));
  return { label: path.dataset.label, xs, values: path.dataset.values.split(" ") };
}

// The value nearest to x, unless the curve has a gap there.
function nearest({ xs, values }, x) {
  let low = 0;
  let high = xs.length - 1;
  if (high < 0) return null;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle;
    else high = middle;
  }
  const best = Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
  return Math.abs(xs[best] - x) > BOX / 20 ? null : values[best];
}

function covers(band, at) {
  const rect = band.querySelector("rect");
  const from = parseFloat(rect.getAttribute("x")) / 100;
  return at >= from && at <= from + parseFloat(rect.getAttribute("width")) / 100;
}

function zooming(figure, plot) {
  const box = plot.querySelector("[data-zoom-box]");
  let from = null;
  let fromPx = 0;

  plot.addEventListener("pointerdown", (event) => {
    delete plot.dataset.dragged;
    if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls the page
    from = share(plot, event);
    fromPx = event.clientX;
    plot.setPointerCapture(event.pointerId);
    event.preventDefault(); // no selecting of text
  });
  plot.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const to = share(plot, event);
    box.setAttribute("x", `${Math.min(from, to) * 100}%`);
    box.setAttribute("width", `${Math.abs(to - from) * 100}%`);
    box.setAttribute("visibility", "visible");
  });
  plot.addEventListener("pointercancel", () => {
    from = null;
    box.setAttribute("visibility", "hidden");
  });
  plot.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [left, right] = [from, share(plot, event)].sort((a, b) => a - b);
    from = null;
    box.setAttribute("visibility", "hidden");
    if (Math.abs(event.clientX - fromPx) < LEAST_DRAG_PX) return;
    plot.dataset.dragged = "yes";
    const address = new URL(window.location.href);
    address.searchParams.set("from", iso(microseconds(figure, left)));
    address.searchParams.set("to", iso(microseconds(figure, right)));
    window.location.assign(address);
  });
}

function iso(us) {
  return new Date(Math.round(us / 1000)).toISOString();
}
