/** Scroller: only the tiles near the window are in the page, however long the list is. */

import { lastAtMost, placesIn, rowOf } from "./layout.js";
import { element } from "./elements.js";

const SPARE = 1; // windows above and below that are drawn too
const CALM = 120; // ms without a far jump until pictures are fetched

export class Scroller {
  /**
   * @param {HTMLElement} canvas that gets the height of the whole list
   * @param {object} tiles
   * @param {() => any} tiles.make
   * @param {(tile: any, place: number) => void} tiles.fill
   * @param {(place: number) => string} tiles.source
   * @param {() => void} tiles.moved
   */
  constructor(canvas, tiles) {
    this.canvas = canvas;
    this.tiles = tiles;
    this.frame = scrollerOf(canvas);
    /** @type {Map<number, any>} tiles by the id of their picture */
    this.shown = new Map();
    /** @type {Set<any>} tiles whose picture may not have been asked for */
    this.bare = new Set();
    /** @type {Map<string, HTMLElement>} */
    this.headings = new Map();
    this.last = 0; // offset that was drawn last
    this.seen = innerHeight; // height of the window then
    this.pending = 0;
    this.calm = 0;
    this.draw = this.draw.bind(this);
    this.request = () => { this.pending ||= requestAnimationFrame(this.draw); };
    this.frame.addEventListener("scroll", this.request, { passive: true });
  }

  /**
   * @param {import("./pictures.js").Pictures} pictures
   * @param {import("./layout.js").Layout} layout @param {number} gap
   */
  show(pictures, layout, gap) {
    Object.assign(this, { pictures, layout, gap });
    this.canvas.style.height = `${layout.height}px`;
    this.redraw();
  }

  /** Take all tiles away: another list begins. */
  clear() {
    for (const tile of this.shown.values()) tile.remove();
    this.shown.clear();
    this.bare.clear();
  }

  /** Draw all tiles of the window anew. */
  redraw() {
    this.drawn = "";
    this.anew = true;
    this.draw();
    this.anew = false;
  }

  /** Distance from the top of the list to that of the window. */
  get offset() {
    return this.frame.getBoundingClientRect().top - this.canvas.getBoundingClientRect().top;
  }

  /** Height of the window. */
  get window() {
    return this.frame.clientHeight || innerHeight;
  }

  draw() {
    this.pending = 0;
    const { pictures, layout } = this;
    if (!pictures || !layout) return;
    const top = this.offset, window = this.window; // read before anything is written
    const hurried = Math.abs(top - this.last) > 2 * window;
    this.last = top;
    this.seen = window;
    const first = lastAtMost(layout.tops, top - SPARE * window);
    const end = Math.min(layout.tops.length, lastAtMost(layout.tops, top + (1 + SPARE) * window) + 1);
    this.tiles.moved();
    if (hurried) this.settle();
    const drawn = `${first} ${end}`;
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.place(first, end);
    }
    if (!this.calm) this.fetch();
  }

  /** Wait for the end of a long way: what is passed on it is not fetched. */
  settle() {
    clearTimeout(this.calm);
    this.calm = window.setTimeout(() => { this.calm = 0; this.fetch(); }, CALM);
  }

  /** @param {number} first @param {number} end rows */
  place(first, end) {
    const { pictures, layout } = this, kept = new Set(), added = document.createDocumentFragment();
    for (let row = first; row < end; row += 1) {
      for (const { index, left, width } of placesIn(pictures.aspects, layout, row, this.gap)) {
        const id = pictures.ids[index];
        let tile = this.shown.get(id);
        kept.add(id);
        if (tile && !this.anew) continue;
        if (!tile) {
          tile = this.tiles.make();
          this.shown.set(id, tile);
          added.append(tile);
          this.bare.add(tile);
        }
        if (this.anew) this.bare.add(tile);
        tile.style.cssText = `left:${left}px;top:${layout.tops[row]}px;width:${width}px;height:${layout.heights[row]}px`;
        this.tiles.fill(tile, index);
      }
    }
    for (const [id, tile] of this.shown) {
      if (kept.has(id)) continue;
      tile.remove();
      this.shown.delete(id);
      this.bare.delete(tile);
    }
    this.canvas.append(added);
    this.placeHeadings(layout.tops[first] ?? 0, (layout.tops[end - 1] ?? 0));
  }

  /** @param {number} from @param {number} to pixels */
  placeHeadings(from, to) {
    const kept = new Set();
    for (const { top, label, first } of this.layout.headings) {
      if (top < from - 200 || top > to) continue;
      const key = `${label} ${first}`;
      kept.add(key);
      if (!this.headings.has(key)) {
        const made = element("h2", { class: "pf-heading" }, label);
        this.headings.set(key, made);
        this.canvas.append(made);
      }
      this.headings.get(key).style.top = `${top}px`;
    }
    for (const [key, made] of this.headings) {
      if (kept.has(key)) continue;
      made.remove();
      this.headings.delete(key);
    }
  }

  /** Fetch the pictures of the tiles that were drawn since. */
  fetch() {
    for (const tile of this.bare) {
      const image = tile.firstChild.firstChild, source = this.tiles.source(Number(tile.dataset.place));
      if (image.getAttribute("src") !== source) image.src = source;
    }
    this.bare.clear();
  }

  /** Scroll so that a picture is in the window. @param {number} place @param {boolean} [atTop] */
  reveal(place, atTop = false) {
    const row = rowOf(this.layout, place), top = this.layout.tops[row], bottom = top + this.layout.heights[row];
    const offset = this.offset, margin = 70; // of what lies over the window
    if (atTop || top < offset + margin) this.frame.scrollBy(0, top - offset - margin);
    else if (bottom > offset + this.window - margin) this.frame.scrollBy(0, bottom - offset - this.window + margin);
    this.draw();
  }

  /** @param {number} offset pixels from the top of the list */
  scrollTo(offset) {
    this.frame.scrollBy(0, offset - this.offset);
  }

  /** Picture at the top of the window. */
  get first() {
    const row = lastAtMost(this.layout.tops, this.last + 70);
    return this.layout.firsts[row] ?? 0;
  }

  stop() {
    clearTimeout(this.calm);
    cancelAnimationFrame(this.pending);
    this.frame.removeEventListener("scroll", this.request);
  }
}

/** Nearest element around another one that scrolls. @param {HTMLElement} inner @returns {HTMLElement} */
function scrollerOf(inner) {
  for (let each = inner.parentElement; each; each = each.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(each).overflowY)) return each;
  }
  return document.documentElement;
}
