// Zooms timelines, tells what is under the pointer or the cursor, and filters findings. Without it the page is the same, at rest.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const times = data.times || [];
  const thousands = (value) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  const strengths = 5;
  const make = (name, text) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // Differences of lines, seven bits a byte.
  function unpack(text) {
    const bytes = atob(text);
    const lines = new Float64Array(bytes.length);
    let count = 0, last = 0, value = 0, scale = 1;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes.charCodeAt(at);
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) {
        last += value;
        lines[count++] = last;
        value = 0;
        scale = 1;
      }
    }
    return lines.subarray(0, count);
  }

  // The index of the first that is not less.
  function first(lines, value) {
    let low = 0, high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lines[middle] < value) low = middle + 1; else high = middle;
    }
    return low;
  }

  // Seconds since the first line, between the lines whose time is known.
  function seconds(line) {
    if (times.length < 2) return null;
    let low = 0, high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle][0] <= line) low = middle; else high = middle;
    }
    const [a, from] = times[low], [b, to] = times[high];
    const share = b > a ? Math.min(Math.max((line - a) / (b - a), 0), 1) : 0;
    return from + (to - from) * share;
  }

  class Timeline {
    constructor(figure) {
      this.figure = figure;
      this.data = data.timelines[figure.dataset.key];
      this.box = figure.querySelector('.lanes');
      this.detail = figure.querySelector('.detail');
      const rows = [...figure.querySelectorAll('.lane')];
      this.axis = rows.pop().querySelector('svg');
      this.tracks = rows.map((row) => row.querySelector('svg'));
      this.view = [this.data.from, this.data.to + 1];
      this.cursor = null;
      this.isDue = false;
      this.listen();
    }

    // Marks are unpacked when they are first needed: the page is drawn already.
    series(lane) {
      for (const series of lane.series) series.lines ??= unpack(series.marks);
      return lane.series;
    }

    listen() {
      const { box, figure } = this;
      figure.querySelector('.tools').hidden = false;
      box.tabIndex = 0;
      box.setAttribute('role', 'application');
      box.setAttribute('aria-roledescription', 'timeline');
      box.classList.add('live');
      figure.querySelector('.tools').addEventListener('click', (event) => {
        const what = event.target.dataset.do;
        if (what === 'all') this.show(this.data.from, this.data.to + 1);
        else if (what) this.zoom(what === 'in' ? 0.5 : 2);
      });
      box.addEventListener('keydown', (event) => this.key(event));
      box.addEventListener('wheel', (event) => {
        if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
        event.preventDefault();
        const delta = event.deltaY || event.deltaX;
        if (event.shiftKey) this.pan(delta > 0 ? 0.1 : -0.1);
        else this.zoom(delta > 0 ? 1.25 : 0.8, this.lineAt(event));
      }, { passive: false });
      box.addEventListener('pointerdown', (event) => {
        this.drag = { x: event.clientX, view: [...this.view], moved: false };
      });
      addEventListener('pointerup', () => { this.drag = null; });
      box.addEventListener('pointermove', (event) => this.moved(event));
      box.addEventListener('click', (event) => {
        const link = event.target.closest('a');
        const hit = this.hit(event);
        if (hit && (!link || hit.mark)) {
          event.preventDefault();
          this.choose(hit);
        }
      });
      box.addEventListener('dblclick', (event) => this.zoom(0.25, this.lineAt(event)));
      addEventListener('resize', () => { if (this.isZoomed || this.cursor) this.draw(); });
    }

    moved(event) {
      if (this.drag && event.buttons) {
        const width = this.width();
        const [from, to] = this.drag.view;
        const lines = (this.drag.x - event.clientX) / width * (to - from);
        if (Math.abs(this.drag.x - event.clientX) > 3) this.drag.moved = true;
        if (this.drag.moved) this.show(from + lines, to + lines);
        return;
      }
      const hit = this.hit(event);
      if (hit) this.tell(hit);
    }

    width() { return this.axis.getBoundingClientRect().width || 1; }

    lineAt(event) {
      const box = this.axis.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      return this.view[0] + share * (this.view[1] - this.view[0]);
    }

    get isZoomed() { return this.view[0] !== this.data.from || this.view[1] !== this.data.to + 1; }

    zoom(factor, around) {
      const [from, to] = this.view;
      const middle = around ?? (this.cursor && this.cursor.line >= from && this.cursor.line < to ? this.cursor.line + 0.5 : (from + to) / 2);
      const span = Math.min(Math.max((to - from) * factor, 4), this.data.to + 1 - this.data.from);
      const share = (middle - from) / (to - from);
      this.show(middle - span * share, middle + span * (1 - share));
    }

    pan(share) {
      const lines = (this.view[1] - this.view[0]) * share;
      this.show(this.view[0] + lines, this.view[1] + lines);
    }

    show(from, to) {
      const span = Math.min(to - from, this.data.to + 1 - this.data.from);
      const begin = Math.min(Math.max(from, this.data.from), this.data.to + 1 - span);
      this.view = [begin, begin + span];
      this.draw();
    }

    draw() {
      if (this.isDue) return;
      this.isDue = true;
      requestAnimationFrame(() => {
        this.isDue = false;
        this.paint();
      });
    }

    paint() {
      const width = this.width(), [from, to] = this.view;
      const x = (line) => Math.min(Math.max((line - from) / (to - from) * width, -4), width + 4);
      this.data.lanes.forEach((lane, at) => {
        const parts = [];
        const rect = (name, a, b, y, tall) => {
          if (b < from || a > to) return;
          const left = x(a), wide = Math.max(x(b) - left, 1.5);
          parts.push(`<rect class="${name}" x="${left.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${tall}" rx="1.5"/>`);
        };
        for (const [a, b] of this.data.bands) rect('band', a, b + 1, 0, lane.tall);
        for (const bar of lane.bars) rect(bar.class, bar.from, bar.to + 1, (lane.tall - bar.thick) / 2, bar.thick);
        for (const series of this.series(lane)) parts.push(this.density(series, width));
        for (const step of lane.steps) {
          if (step.line + 1 < from || step.line > to) continue;
          parts.push(`<circle class="step" cx="${x(step.line + 0.5).toFixed(1)}" cy="${lane.tall / 2}" r="5"/>`);
        }
        if (this.cursor && this.cursor.lane === at) {
          parts.push(`<rect class="cursor" x="${(x(this.cursor.line + 0.5) - 1).toFixed(1)}" y="0" width="2" height="${lane.tall}"/>`);
        }
        // Only numbers and names of the page's own stand in this text.
        this.tracks[at].innerHTML = parts.join('');
      });
      this.paintAxis(width, x);
    }

    // Marks by pixels: each strength is one path.
    density(series, width) {
      const [from, to] = this.view, step = 3;
      const buckets = Math.max(Math.ceil(width / step), 1), lines = series.lines;
      const counts = new Float64Array(buckets);
      let at = first(lines, from - 1), most = 0;
      for (let bucket = 0; bucket < buckets; bucket++) {
        // A mark stands in the middle of its line.
        const end = from + (bucket + 1) * step / width * (to - from) - 0.5;
        const next = first(lines, end);
        counts[bucket] = next > at ? next - at : 0;
        most = Math.max(most, counts[bucket]);
        at = Math.max(at, next);
      }
      if (!most) return '';
      const paths = Array.from({ length: strengths }, () => '');
      const [top, bottom] = series.y, scale = Math.log(most + 1);
      for (let bucket = 0; bucket < buckets; bucket++) {
        if (!counts[bucket]) continue;
        const strength = Math.min(Math.max(Math.ceil(Math.log(counts[bucket] + 1) / scale * strengths), 1), strengths);
        paths[strength - 1] += `M${bucket * step} ${top}h2.4v${bottom - top}h-2.4z`;
      }
      const drawn = paths.map((path, strength) => path && `<path class="d${strength + 1}" d="${path}"/>`);
      return `<g class="${series.class}">${drawn.join('')}</g>`;
    }

    paintAxis(width, x) {
      const [from, to] = this.view, most = Math.max(Math.floor(width / 110), 2);
      const raw = (to - from) / most, unit = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
      const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= raw) || unit * 10;
      const parts = [];
      for (let line = Math.ceil(from / step) * step; line < to; line += step) {
        const at = x(line + 0.5), time = seconds(line);
        if (at < 0 || at > width) continue;
        const anchor = at < 40 ? 'start' : at > width - 40 ? 'end' : 'middle';
        const when = time === null ? '' : ` · ${time.toFixed(time < 10 ? 3 : 1)} s`;
        parts.push(`<rect class="tick" x="${at.toFixed(1)}" y="0" width="1" height="5"/><text x="${at.toFixed(1)}" y="17" text-anchor="${anchor}">${thousands(line)}${when}</text>`);
      }
      this.axis.innerHTML = parts.join('');
    }

    // What is under the pointer: a step before a mark, a mark before a bar.
    hit(event) {
      const row = event.target.closest('.lane');
      const at = row ? this.tracks.indexOf(row.querySelector('svg')) : -1;
      if (at < 0) return null;
      const lane = this.data.lanes[at], line = this.lineAt(event);
      const reach = 8 / this.width() * (this.view[1] - this.view[0]);
      let best = null;
      for (const step of lane.steps) {
        const far = Math.abs(step.line + 0.5 - line);
        if (far <= Math.max(reach, 0.5) && (!best || far < best.far)) best = { lane: at, line: step.line, step, mark: true, far };
      }
      if (best) return best;
      for (const series of this.series(lane)) {
        const next = first(series.lines, line - 0.5);
        for (const index of [next - 1, next]) {
          const mark = series.lines[index];
          if (mark === undefined) continue;
          const far = Math.abs(mark + 0.5 - line);
          if (far <= Math.max(reach, 0.5) && (!best || far < best.far)) best = { lane: at, line: mark, series, index, mark: true, far };
        }
      }
      if (best) return best;
      const bar = lane.bars.find((bar) => bar.from <= line && line <= bar.to + 1);
      return bar ? { lane: at, line: Math.floor(line), bar } : null;
    }

    choose(hit) {
      this.cursor = hit;
      this.tell(hit);
      const [from, to] = this.view;
      if (hit.line < from || hit.line + 1 > to) {
        const span = to - from;
        this.show(hit.line - span / 2, hit.line + span / 2);
      } else {
        this.draw();
      }
    }

    tell(hit) {
      const { detail } = this, lane = this.data.lanes[hit.lane];
      const time = hit.mark ? seconds(hit.line) : null;
      const head = make('p'), strong = make('strong', hit.mark ? `line ${thousands(hit.line)}` : lane.label);
      head.append(strong);
      const add = (text) => head.append(' · ', text);
      if (time !== null) add(`${time.toFixed(6)} s`);
      if (hit.mark) add(lane.label);
      const parts = [head];
      if (hit.step) {
        add(hit.step.what);
        parts.push(make('code', hit.step.text));
        if (hit.step.stack.length) {
          const stack = make('ol');
          stack.className = 'stack';
          stack.append(...hit.step.stack.map((frame) => { const row = make('li'); row.append(make('code', frame)); return row; }));
          parts.push(stack);
        }
      } else if (hit.series) {
        const { noun, every, texts } = hit.series;
        add(every > 1 ? `${noun}, one of every ${thousands(every)}` : noun);
        const near = this.countNear(hit);
        if (near > 1) add(`${thousands(near)} of them within a few pixels`);
        let text = null;
        for (const [line, call] of texts) { if (line <= hit.line) text = call; else break; }
        if (text !== null) parts.push(make('code', text));
      } else {
        add(hit.bar.label);
      }
      if (hit.mark && document.getElementById(`L${hit.line}`)) {
        const link = make('a', 'in the log');
        link.href = `#L${hit.line}`;
        head.append(' · ', link);
      }
      detail.hidden = false;
      detail.replaceChildren(...parts);
    }

    countNear(hit) {
      const reach = 1.5 / this.width() * (this.view[1] - this.view[0]);
      const { lines, every } = hit.series;
      return (first(lines, hit.line + reach) - first(lines, hit.line - reach)) * every;
    }

    // The next mark of a lane, before or after a line.
    next(at, line, way) {
      const lane = this.data.lanes[at];
      let best = null;
      const offer = (hit) => {
        const isNearer = !best || (way > 0 ? hit.line < best.line : hit.line > best.line) || (hit.line === best.line && hit.step);
        if ((hit.line - line) * way > 0 && isNearer) best = hit;
      };
      for (const step of lane.steps) offer({ lane: at, line: step.line, step, mark: true });
      for (const series of this.series(lane)) {
        const index = way > 0 ? first(series.lines, line + 0.5) : first(series.lines, line) - 1;
        const mark = series.lines[index];
        if (mark !== undefined) offer({ lane: at, line: mark, series, index, mark: true });
      }
      return best;
    }

    hasMarks(at) {
      const lane = this.data.lanes[at];
      return lane.steps.length + lane.series.length > 0;
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { cursor, data } = this;
      const start = { lane: data.lanes.findIndex((_, at) => this.hasMarks(at)), line: this.view[0] - 1 };
      const { lane, line } = cursor || start;
      let hit = null;
      switch (event.key) {
        case 'ArrowRight': case 'ArrowLeft': {
          const way = event.key === 'ArrowRight' ? 1 : -1;
          if (event.shiftKey) this.pan(way * 0.2);
          else if (lane >= 0) hit = this.next(lane, line, way);
          break;
        }
        case 'ArrowDown': case 'ArrowUp': {
          const way = event.key === 'ArrowDown' ? 1 : -1;
          for (let at = lane + way; at >= 0 && at < data.lanes.length && !hit; at += way) {
            hit = this.next(at, line - 1, 1) || this.next(at, line + 1, -1);
          }
          break;
        }
        case 'Home': if (lane >= 0) hit = this.next(lane, data.from - 1, 1); break;
        case 'End': if (lane >= 0) hit = this.next(lane, data.to + 1, -1); break;
        case '+': case '=': this.zoom(0.5); break;
        case '-': this.zoom(2); break;
        case '0': this.show(data.from, data.to + 1); break;
        case 'Enter': if (cursor && document.getElementById(`L${cursor.line}`)) location.hash = `L${cursor.line}`; break;
        default: return;
      }
      event.preventDefault();
      if (hit) this.choose(hit);
    }
  }

  const timelines = [...document.querySelectorAll('.timeline')].filter((figure) => data.timelines[figure.dataset.key]);
  const made = timelines.map((figure) => new Timeline(figure));
  // When nobody waits, marks are unpacked, one series at a time: the first zoom need not.
  const packed = made.flatMap((timeline) => timeline.data.lanes.flatMap((lane) => lane.series));
  const later = window.requestIdleCallback || ((todo) => setTimeout(todo, 50));
  const unpackNext = () => {
    const series = packed.pop();
    if (!series) return;
    series.lines ??= unpack(series.marks);
    series.marks = '';
    later(unpackNext);
  };
  later(unpackNext);

  const filters = document.querySelector('.filters');
  if (filters) {
    const findings = [...document.querySelectorAll('.finding')];
    const lanes = [...document.querySelectorAll('#log .lane[data-pid]')];
    const apply = () => {
      const chosen = Object.fromEntries(new FormData(filters));
      for (const finding of findings) {
        const { processes, class: kind, instance } = finding.dataset;
        const fits = (value, own) => !value || value === own;
        finding.hidden = !(fits(chosen.class, kind) && fits(chosen.instance, instance)
          && (!chosen.process || processes.split(' ').includes(chosen.process)));
      }
      for (const lane of lanes) lane.classList.toggle('dim', Boolean(chosen.process) && lane.dataset.pid !== chosen.process);
      const shown = findings.filter((finding) => !finding.hidden).length;
      filters.querySelector('.shown').textContent = `${shown} of ${findings.length} shown`;
    };
    filters.hidden = false;
    filters.addEventListener('change', apply);
    filters.addEventListener('submit', (event) => event.preventDefault());
    apply();
  }
})();
