/** Scrubber: the years of the list beside it; a drag along it leafs through them. */

import { monthOf, yearsOf } from "./dates.js";
import { element } from "./elements.js";
import { rowOf } from "./layout.js";

const NEAREST = 22; // pixels between two years

export class Scrubber {
  /** @param {import("./scroller.js").Scroller} scroller */
  constructor(scroller) {
    this.scroller = scroller;
    this.bubble = element("span", { class: "pf-bubble" });
    this.thumb = element("span", { class: "pf-thumb" }, this.bubble);
    this.years = element("span", { class: "pf-years", "aria-hidden": "true" });
    this.bar = element("div", {
      class: "pf-scrubber", role: "slider", tabindex: "0", "aria-label": "Date", "aria-orientation": "vertical",
      keydown: (event) => this.key(event),
      pointerdown: (event) => this.grab(event),
      pointermove: (event) => this.bar.hasPointerCapture(event.pointerId) && this.drag(event),
      pointerup: () => this.bar.classList.remove("pf-held"),
    }, this.years, this.thumb);
  }

  /** Show the years of a list; nothing if dates do not order it or it is short. */
  show() {
    const { pictures, layout, window } = this.scroller;
    this.bar.hidden = !pictures.dated || layout.height < 2 * window;
    if (this.bar.hidden) return;
    const height = this.bar.clientHeight, marks = [];
    let before = -Infinity;
    for (const { label, first } of yearsOf(pictures.days)) {
      const top = (this.topOf(first) / layout.height) * height;
      if (top - before < NEAREST) continue;
      before = top;
      marks.push(element("span", { style: `top:${top}px` }, label));
    }
    this.years.replaceChildren(...marks);
    this.bar.setAttribute("aria-valuemin", "0");
    this.bar.setAttribute("aria-valuemax", String(pictures.length - 1));
    this.move();
  }

  /** Show where the window is. */
  move() {
    if (this.bar.hidden) return;
    const { pictures, layout, first, last } = this.scroller;
    const share = Math.min(1, Math.max(0, last / Math.max(1, layout.height - this.scroller.seen)));
    const label = monthOf(pictures.days[first]);
    this.thumb.style.top = `${share * 100}%`;
    this.bar.setAttribute("aria-valuenow", String(first));
    if (label === this.label) return;
    this.label = label;
    this.bubble.textContent = label;
    this.bar.setAttribute("aria-valuetext", label);
  }

  /** @param {number} place */
  topOf(place) {
    return this.scroller.layout.tops[rowOf(this.scroller.layout, place)];
  }

  /** @param {PointerEvent} event */
  grab(event) {
    this.bar.setPointerCapture(event.pointerId);
    this.bar.classList.add("pf-held");
    this.drag(event);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const box = this.bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
    this.scroller.scrollTo(share * (this.scroller.layout.height - this.scroller.window));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const steps = { ArrowDown: 1, ArrowRight: 1, PageDown: 12, ArrowUp: -1, ArrowLeft: -1, PageUp: -12 };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const { headings } = this.scroller.layout, first = this.scroller.first;
    const now = headings.findLastIndex((heading) => heading.first <= first);
    const next = headings[Math.min(headings.length - 1, Math.max(0, now + step))];
    if (next) this.scroller.reveal(next.first, true);
  }
}
