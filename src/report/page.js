"use strict";
// Figures answer a pointer, and sliders move. Everything is in the page: nothing is fetched.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const numbers = (text) => new Float32Array(bytes(text).buffer);
  // As the page writes numbers: four digits at the most.
  const short = (v) => {
    if (!Number.isFinite(v)) return "none";
    if (v === 0) return "0";
    const a = Math.abs(v);
    return a >= 1e-2 && a < 1e5 ? String(Number(v.toPrecision(4))) : v.toExponential(2).replace(/\.?0*e\+?/, "e");
  };
  const clamp = (v, lo, hi) => Math.min(hi, Math.max(lo, v));

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };

  // Where in the figure's own units a pointer is; null outside of its frame.
  const inside = (svg, [x, y, w, h], event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const p = [(at.x - x) / w, 1 - (at.y - y) / h];
    return p.every((c) => c >= 0 && c <= 1) ? p : null;
  };
  const show = (event, lines) => {
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = event.clientX + 14 + box.width > innerWidth ? event.clientX - 14 - box.width : event.clientX + 14;
    tip.style.left = `${clamp(left, 4, innerWidth - box.width - 4)}px`;
    tip.style.top = `${clamp(event.clientY + 14, 4, innerHeight - box.height - 4)}px`;
  };
  const answer = (figure, frame, lines, guide) => {
    for (const svg of figure.querySelectorAll("svg")) {
      const line = document.createElementNS(SVG, "line");
      line.setAttribute("class", "guide");
      if (guide) svg.append(line);
      const moved = (event) => {
        const p = inside(svg, frame, event);
        const said = p && lines(p);
        line.style.display = said ? "" : "none";
        if (!said) return hide();
        const x = frame[0] + frame[2] * (said.at ?? p[0]);
        for (const [k, v] of [["x1", x], ["x2", x], ["y1", frame[1]], ["y2", frame[1] + frame[3]]]) line.setAttribute(k, v);
        show(event, said.lines);
      };
      line.style.display = "none";
      svg.addEventListener("pointermove", moved);
      svg.addEventListener("pointerdown", moved);
      svg.addEventListener("pointerleave", () => { line.style.display = "none"; hide(); });
    }
  };
  const slider = (figure, { name, values, start }, moved) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const told = document.createElement("output");
    label.className = "slider";
    Object.assign(input, { type: "range", min: 0, max: values.length - 1, step: 1, value: start });
    const say = () => { told.textContent = `${name} = ${short(values[input.value])}`; };
    input.setAttribute("aria-label", name);
    input.addEventListener("input", () => { say(); moved(Number(input.value)); });
    say();
    label.append(input, told);
    figure.insertBefore(label, figure.querySelector("figcaption"));
    return input;
  };

  const kinds = {
    map(figure, d) {
      const [nx, ny] = d.size;
      const values = numbers(d.values);
      const rest = values.length / (nx * ny);
      let slice = 0;
      const at = d.sliders.map((s) => s.start);
      const place = () => d.sliders.reduce((k, s, i) => k * s.values.length + at[i], 0);
      if (d.sliders.length) slice = place();
      answer(figure, d.frame, (p) => {
        const [i, j] = [Math.min(nx - 1, Math.floor(p[0] * nx)), Math.min(ny - 1, Math.floor(p[1] * ny))];
        const spot = (k, n, [lo, hi]) => lo + ((hi - lo) * k) / Math.max(1, n - 1);
        const lines = [`${d.names[0]} = ${short(spot(i, nx, d.x))}`, `${d.names[1]} = ${short(spot(j, ny, d.y))}`];
        d.sliders.forEach((s, k) => lines.push(`${s.name} = ${short(s.values[at[k]])}`));
        return { lines: [...lines, `${d.names[2]}: ${short(values[(i * ny + j) * rest + slice])}`] };
      });
      if (!d.sliders.length) return;
      const colours = bytes(d.colours);
      const image = figure.querySelector("image.map");
      const draw = () => {
        slice = place();
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [nx, ny];
        const context = canvas.getContext("2d");
        const picture = context.createImageData(nx, ny);
        for (let i = 0; i < nx; i++) {
          for (let j = 0; j < ny; j++) {
            const v = values[(i * ny + j) * rest + slice];
            const c = clamp(Math.round((255 * (v - d.range[0])) / (d.range[1] - d.range[0])), 0, 255);
            const to = 4 * ((ny - 1 - j) * nx + i);
            if (Number.isNaN(v)) continue;
            picture.data.set([colours[3 * c], colours[3 * c + 1], colours[3 * c + 2], 255], to);
          }
        }
        context.putImageData(picture, 0, 0);
        image.setAttribute("href", canvas.toDataURL());
      };
      d.sliders.forEach((s, k) => slider(figure, s, (v) => { at[k] = v; draw(); }));
    },
    chart(figure, d) {
      const curves = d.curves.map((c) => ({ name: c.name, x: numbers(c.x), y: numbers(c.y) }));
      answer(figure, d.frame, (p) => {
        const x = d.x[0] + p[0] * (d.x[1] - d.x[0]);
        const near = curves.filter((c) => c.x.length).map((c) => {
          let best = 0;
          c.x.forEach((v, k) => { if (Math.abs(v - x) < Math.abs(c.x[best] - x)) best = k; });
          return { name: c.name, x: c.x[best], y: c.y[best] };
        });
        if (!near.length) return null;
        const closest = near.reduce((a, b) => (Math.abs(b.x - x) < Math.abs(a.x - x) ? b : a)).x;
        const lines = [`${d.names[0]}: ${short(closest)}`];
        const mark = (d.marks || []).filter(([from]) => from <= closest).pop();
        if (mark) lines.push(`phase ${mark[1]}`);
        near.filter((c) => Math.abs(c.x - closest) <= 1e-6 * Math.abs(d.x[1] - d.x[0]) + 1e-9)
          .forEach((c) => lines.push(`${c.name}: ${short(c.y)}`));
        return { lines, at: (closest - d.x[0]) / (d.x[1] - d.x[0]) };
      }, true);
    },
    frames(figure, d) {
      const xs = numbers(d.places);
      const curves = d.curves.map((c) => ({ name: c.name, values: numbers(c.values) }));
      if (!d.sliders.length) return;
      const time = d.sliders[0];
      let k = time.start;
      const [fx, fy, fw, fh] = d.frame;
      const paths = figure.querySelectorAll("path.curve");
      const titles = figure.querySelectorAll("svg > title, svg > text:first-of-type");
      const draw = () => {
        curves.forEach((c, n) => {
          let path = "";
          let up = true;
          xs.forEach((x, i) => {
            const v = c.values[k * xs.length + i];
            if (!Number.isFinite(v)) { up = true; return; }
            const px = fx + (fw * (x - d.x[0])) / (d.x[1] - d.x[0]);
            const py = fy + fh - (fh * (v - d.y[0])) / (d.y[1] - d.y[0]);
            path += `${up ? "M" : "L"}${px.toFixed(1)} ${py.toFixed(1)}`;
            up = false;
          });
          paths[n].setAttribute("d", path);
        });
        titles.forEach((t) => { t.textContent = `${d.title}${time.name} = ${short(time.values[k])}`; });
      };
      slider(figure, time, (v) => { k = v; draw(); });
      answer(figure, d.frame, (p) => {
        const i = clamp(Math.round(p[0] * (xs.length - 1)), 0, xs.length - 1);
        const lines = [`${d.names[0]} = ${short(xs[i])}`, `${time.name} = ${short(time.values[k])}`];
        curves.forEach((c) => lines.push(`${c.name}: ${short(c.values[k * xs.length + i])}`));
        return { lines, at: (xs[i] - d.x[0]) / (d.x[1] - d.x[0]) };
      }, true);
    },
    raster(figure, d) {
      const rates = numbers(d.rates);
      answer(figure, d.frame, (p) => {
        const step = Math.min(d.steps - 1, Math.floor(p[0] * d.steps));
        const lines = [`neuron ${Math.min(d.units - 1, Math.floor(p[1] * d.units))}`, `step ${step + 1}, ${d.time} = ${short((step + 1) * d.dt)}`];
        return { lines: [...lines, `spikes a neuron and step: ${short(rates[Math.floor(step / d.bin)])}`] };
      }, true);
    },
  };
  for (const figure of document.querySelectorAll("figure")) {
    const data = figure.querySelector("script[type='application/json']");
    if (!data) continue;
    const d = JSON.parse(data.textContent);
    kinds[d.kind]?.(figure, d);
  }
  addEventListener("scroll", hide, { passive: true });
})();
