/** Zoom: a picture that is enlarged and moved with wheel, keys, pointer and fingers. */

const MOST = 8;
const STEP = 1.5;
const SWIPED = 60; // pixels that a finger goes to turn the page

/**
 * A zoomed picture moved by a step, with the point under the pointer kept in its place.
 * @param {{scale: number, x: number, y: number}} at @param {number} factor
 * @param {{x: number, y: number}} point relative to the middle
 */
export function zoomed(at, factor, point = { x: 0, y: 0 }) {
  const scale = Math.min(MOST, Math.max(1, at.scale * factor));
  if (scale === 1) return { scale, x: 0, y: 0 };
  const grown = scale / at.scale;
  return { scale, x: point.x - (point.x - at.x) * grown, y: point.y - (point.y - at.y) * grown };
}

export class Zoom {
  /**
   * @param {HTMLElement} frame that holds the picture
   * @param {{changed: (scale: number) => void, swiped: (step: number) => void, dismissed: () => void}} on
   */
  constructor(frame, on) {
    this.frame = frame;
    this.on = on;
    this.at = { scale: 1, x: 0, y: 0 };
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.down(event));
    frame.addEventListener("pointermove", (event) => this.moved(event));
    frame.addEventListener("pointerup", (event) => this.up(event));
    frame.addEventListener("pointercancel", (event) => this.up(event));
    frame.addEventListener("dblclick", (event) => this.set(zoomed(this.at, this.at.scale > 1 ? 0 : 2.5, this.pointOf(event))));
  }

  fit() {
    this.set({ scale: 1, x: 0, y: 0 });
  }

  nearer() {
    this.set(zoomed(this.at, STEP));
  }

  farther() {
    this.set(zoomed(this.at, 1 / STEP));
  }

  /** @param {{scale: number, x: number, y: number}} at */
  set(at) {
    this.at = at;
    for (const image of this.frame.querySelectorAll("img")) {
      image.style.transform = at.scale === 1 ? "" : `translate(${at.x}px, ${at.y}px) scale(${at.scale})`;
    }
    this.frame.classList.toggle("pf-zoomed", at.scale > 1);
    this.on.changed(at.scale);
  }

  /** @param {{clientX: number, clientY: number}} event */
  pointOf(event) {
    const box = this.frame.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    this.set(zoomed(this.at, Math.exp(-event.deltaY / 400), this.pointOf(event)));
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button || event.target instanceof Element && event.target.closest("button")) return;
    this.frame.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.pointOf(event));
    this.start = this.pointers.size === 1 ? this.pointOf(event) : null;
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const point = this.pointOf(event);
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
      const distance = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
      this.set(zoomed(this.at, distance(point) / distance(before), middle));
    } else if (this.at.scale > 1) {
      this.set({ ...this.at, x: this.at.x + point.x - before.x, y: this.at.y + point.y - before.y });
    }
    this.pointers.set(event.pointerId, point);
  }

  /** @param {PointerEvent} event */
  up(event) {
    const known = this.pointers.delete(event.pointerId);
    if (!known || !this.start || this.at.scale > 1 || event.pointerType === "mouse") return;
    const point = this.pointOf(event), x = point.x - this.start.x, y = point.y - this.start.y;
    if (event.type === "pointercancel") return;
    if (Math.abs(x) > SWIPED && Math.abs(x) > Math.abs(y)) this.on.swiped(x < 0 ? 1 : -1);
    else if (y > 2 * SWIPED && y > Math.abs(x)) this.on.dismissed();
  }
}
