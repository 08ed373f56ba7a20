/** Drag selection: a rectangle drawn with the mouse selects what it touches. */

import { element } from "./elements.js";
import { touched } from "./layout.js";

const MOVED = 6; // pixels from which a click is a drag
const EDGE = 60; // pixels at the edges of the window that scroll it
const OWN = ".pf-tick, .pf-marks, .pf-alike"; // buttons on a picture

/**
 * @typedef {object} Grid
 * @property {() => import("./pictures.js").Pictures} list
 * @property {() => import("./layout.js").Layout} layout
 * @property {HTMLElement} frame that scrolls
 * @property {number} gap
 * @property {import("./selection.js").Selection} selection
 * @property {(change: () => void) => void} select
 */

export class DragSelection {
  /** @param {HTMLElement} canvas @param {Grid} grid */
  constructor(canvas, grid) {
    this.canvas = canvas;
    this.grid = grid;
    this.draws = false;
    this.rectangle = element("div", { class: "pf-rectangle", hidden: true });
    canvas.append(this.rectangle);
    this.listeners = /** @type {[EventTarget, string, any, any?][]} */ ([
      [canvas, "pointerdown", (event) => this.down(event)],
      [document, "pointermove", (event) => this.move(event)],
      [document, "pointerup", () => this.end()],
      [document, "pointercancel", () => this.end()],
      [document, "keydown", (event) => this.key(event), true],
      [canvas, "click", (event) => this.click(event), true],
    ]);
    for (const [target, name, listener, how] of this.listeners) target.addEventListener(name, listener, how);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const target = /** @type {Element} */ (event.target);
    this.ended = false;
    this.pointer = null;
    if (event.button || event.pointerType !== "mouse" || target.closest(OWN)) return;
    this.pointer = event.pointerId;
    this.at = { x: event.clientX, y: event.clientY };
    this.start = this.onCanvas();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (event.pointerId !== this.pointer) return;
    const far = Math.hypot(event.clientX - this.at.x, event.clientY - this.at.y) > MOVED;
    if (!this.draws) {
      if (!far) return;
      this.canvas.setPointerCapture(event.pointerId);
      this.begin();
    }
    this.at = { x: event.clientX, y: event.clientY };
    this.draw();
  }

  begin() {
    this.draws = true;
    this.ended = true; // the click that follows opens nothing
    this.scroll();
  }

  /** Select what the pointer has been drawn over. */
  draw() {
    const list = this.grid.list(), layout = this.grid.layout();
    const now = this.onCanvas(), { start } = this;
    const box = {
      left: Math.min(start.x, now.x), top: Math.min(start.y, now.y),
      right: Math.max(start.x, now.x), bottom: Math.max(start.y, now.y),
    };
    this.rectangle.hidden = false;
    this.rectangle.style.cssText = `left:${box.left}px;top:${box.top}px;width:${box.right - box.left}px;height:${box.bottom - box.top}px`;
    const places = touched(list.aspects, layout, box, this.grid.gap), said = `${places[0]} ${places.length} ${places.at(-1)}`;
    if (said === this.drawn) return;
    this.drawn = said;
    this.grid.select(() => this.grid.selection.with(places.map((place) => list.ids[place])));
  }

  /** Scroll while the pointer is at an edge of the window. */
  scroll() {
    const box = this.grid.frame.getBoundingClientRect();
    const top = Math.max(0, box.top), bottom = Math.min(innerHeight, box.bottom);
    const beyond = Math.min(0, this.at.y - top - EDGE) + Math.max(0, this.at.y - bottom + EDGE);
    if (beyond) {
      this.grid.frame.scrollBy(0, Math.max(-EDGE, Math.min(EDGE, beyond)) / 3);
      this.draw();
    }
    this.scrolling = requestAnimationFrame(() => this.scroll());
  }

  end() {
    cancelAnimationFrame(this.scrolling ?? 0);
    this.pointer = null;
    if (!this.draws) return;
    this.draws = false;
    this.drawn = undefined;
    this.rectangle.hidden = true;
    this.grid.selection.settle();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== "Escape" || !this.draws) return;
    event.stopPropagation();
    this.grid.select(() => this.grid.selection.giveUp());
    this.end();
  }

  /** @param {MouseEvent} event */
  click(event) {
    if (!this.ended) return;
    this.ended = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** The pointer in the list, which may have been scrolled under it. */
  onCanvas() {
    const box = this.canvas.getBoundingClientRect();
    return { x: this.at.x - box.left, y: this.at.y - box.top };
  }

  stop() {
    this.end();
    for (const [target, name, listener, how] of this.listeners) target.removeEventListener(name, listener, how);
  }
}
