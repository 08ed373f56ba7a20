/**
 * Gallery: a list of pictures, what is selected of it, and the large view over it.
 *
 * @typedef {object} Data what the page says, see `ui/gallery/data.py`
 * @property {"hits" | "list"} kind
 * @property {string} key changes when the list changes
 * @property {string} api root of the routes
 * @property {string} title
 * @property {string} version of the library
 * @property {import("./pictures.js").Item[]} [items]
 * @property {{url: string, dated: boolean}} [columns]
 * @property {{mark: boolean, album: boolean, remove: boolean}} can
 * @property {string[]} albums
 * @property {{value: string, name: string}[]} sorts
 * @property {string} sorted
 * @property {number} weaker
 * @property {boolean} more
 * @property {string | null} uploader selector of the file input that takes dropped pictures
 * @property {string | null} search address of the search page, unless this is it
 * @property {string | null} within condition that all pictures of the list meet
 */

import { Address, opened } from "./address.js";
import { apiAt } from "./api.js";
import { forSelection, forTiles, forViewer, move, searchInside } from "./actions.js";
import { showShortcuts } from "./boxes.js";
import { DragSelection } from "./drag_selection.js";
import { takeDrops } from "./drop.js";
import { element } from "./elements.js";
import { Header, ROWS, keptSize } from "./header.js";
import { IN_LIST, IN_VIEW, meaningOf } from "./keys.js";
import { layOut, nearestIn } from "./layout.js";
import { Pictures } from "./pictures.js";
import { Scroller } from "./scroller.js";
import { Scrubber } from "./scrubber.js";
import { Selection } from "./selection.js";
import { suggestIn } from "./suggestions.js";
import { fillTile, makeTile } from "./tiles.js";
import { Toolbar } from "./toolbar.js";
import { Viewer } from "./viewer.js";

const BOX = ".st-key-q input"; // where words are typed
const GAP = 4;
const HEADING = 44;
const PHONE = 600; // pixels below which rows are lower
const WALL = 1800; // and above which they are higher

export class Gallery {
  /** @param {HTMLElement} host @param {Data} data @param {(name: string, value: any) => void} send */
  constructor(host, data, send) {
    this.host = host;
    this.api = apiAt(data.api);
    this.send = send;
    this.selection = new Selection();
    this.pictures = Pictures.none();
    this.current = 0;
    this.data = data;
    this.build();
    this.show(data);
  }

  build() {
    const { uploader } = this.data;
    this.canvas = element("div", { class: "pf-canvas" });
    this.status = element("p", { class: "pf-status", role: "status" });
    this.weaker = element("button", { class: "pf-weaker", type: "button", click: () => this.send("show_weaker", true) });
    this.root = element("div", { class: "pf-gallery", role: "group", "aria-label": "Pictures" }, this.canvas);
    this.host.append(this.root); // the scroller looks for what scrolls around it
    this.header = new Header({
      sort: (order) => this.send("sort", order), size: () => this.arrange(true), help: () => this.help(),
      inside: () => searchInside(this),
      choose: uploader ? () => document.querySelector(uploader)?.click() : undefined,
    });
    this.tiles = forTiles(this);
    this.scroller = new Scroller(this.canvas, {
      make: () => makeTile(this.tiles),
      fill: (tile, place) => fillTile(tile, this.pictures, place, {
        href: `?open=${this.pictures.ids[place]}`, chosen: this.selection.ids.has(this.pictures.ids[place]),
        current: place === this.current, actions: this.tiles,
      }),
      source: (place) => this.api.thumb(this.pictures.ids[place], this.pictures.hashes[place]),
      moved: () => { this.scrubber.move(); this.askForMore(); },
    });
    this.scrubber = new Scrubber(this.scroller);
    this.toolbar = new Toolbar(forSelection(this), () => this.select(() => this.selection.clear()));
    this.root.prepend(this.header.bar);
    this.root.append(this.status, this.weaker, this.scrubber.bar, this.toolbar.bar);
    this.viewer = new Viewer(this.root, this.api, forViewer(this));
    this.drags = new DragSelection(this.canvas, {
      list: () => this.pictures, layout: () => this.scroller.layout, frame: this.scroller.frame, gap: GAP,
      selection: this.selection, select: (change) => this.select(change),
    });
    this.address = new Address((id) => this.follow(id), () => this.viewer.isOpen);
    this.stopDrops = uploader ? takeDrops(this.root, uploader) : () => {};
    this.stopSuggesting = uploader ? suggestIn(this.root, BOX, this.api) : () => {};
    this.listen = (event) => this.key(event);
    document.addEventListener("keydown", this.listen);
    this.sizes = new ResizeObserver(() => this.arrange(true));
    this.sizes.observe(this.root);
  }

  /** Show what the page says. @param {Data} data */
  async show(data) {
    const fresh = data.key !== this.shownKey;
    this.data = data;
    this.shownKey = data.key;
    this.asked = -1;
    this.header.show(data.title ?? "", data.sorts, data.sorted);
    this.header.inside.hidden = !data.within;
    this.toolbar.offer();
    this.weaker.hidden = !data.weaker;
    this.weaker.textContent = data.weaker === 1 ? "Show 1 weaker match" : `Show ${data.weaker} weaker matches`;
    if (data.kind === "hits") return this.take(Pictures.ofItems(data.items ?? []), fresh);
    try {
      const columns = await this.api.columns(data.columns.url, data.version);
      if (this.data === data) this.take(new Pictures(columns, null, data.columns.dated), fresh);
    } catch {
      this.status.textContent = "The pictures cannot be listed now. Reload the page to try again.";
    }
    return undefined;
  }

  /** @param {Pictures} pictures @param {boolean} fresh whether another list was there */
  take(pictures, fresh) {
    const before = this.pictures, first = !before.length, current = before.ids[this.current];
    this.pictures = pictures;
    this.status.textContent = "";
    this.header.title.textContent = this.data.title ?? counted(pictures.length);
    this.selection.keep(pictures.ids);
    if (fresh) {
      this.current = 0;
      this.selection.clear();
      this.scroller.clear();
      if (!first) this.scroller.frame.scrollTo({ top: 0 });
    }
    else this.current = Math.max(0, pictures.placeOf(current)); // it may have moved
    this.arrange(false);
    this.showSelection();
    if (this.viewer.pictures === before) this.viewer.follow(pictures);
    if (first && opened() !== null) this.follow(opened());
  }

  /** Lay the list out. @param {boolean} stay whether the picture at the top of the window stays there */
  arrange(stay) {
    const width = this.root.clientWidth;
    if (!width || (stay && width === this.width && this.rowHeight === this.row())) return;
    const first = stay && this.scroller.layout && this.scroller.offset > 0 ? this.scroller.first : -1;
    this.width = width;
    this.rowHeight = this.row();
    const groups = this.pictures.groups();
    const sizes = { width, row: this.rowHeight, gap: GAP, heading: this.pictures.dated ? HEADING : 0 };
    this.scroller.show(this.pictures, layOut(this.pictures.aspects, groups, sizes), GAP);
    if (first > 0) this.scroller.reveal(first, true);
    this.scrubber.show();
  }

  row() {
    const chosen = ROWS[keptSize()], width = this.root.clientWidth;
    return chosen * (width < PHONE ? 0.6 : width > WALL ? 1.3 : 1);
  }

  askForMore() {
    const near = this.scroller.last + 3 * this.scroller.seen > (this.scroller.layout?.height ?? 0);
    const reading = this.viewer.isOpen && this.viewer.place >= this.pictures.length - 3;
    if (!this.data.more || this.asked === this.pictures.length || !(near || reading)) return;
    this.asked = this.pictures.length;
    this.send("more", this.pictures.length);
  }

  /** @param {() => void} change */
  select(change) {
    change();
    this.showSelection();
    this.scroller.redraw();
  }

  showSelection() {
    this.toolbar.show(this.selection.size);
    this.root.classList.toggle("pf-selecting", this.selection.size > 0);
  }

  /** The large view was closed. @param {number} id picture that was open */
  closed(id) {
    this.address.close();
    const place = this.pictures.placeOf(id);
    if (place >= 0) this.setCurrent(place, true);
  }

  /** @param {number} place @param {boolean} focus */
  setCurrent(place, focus) {
    if (place !== this.current) {
      this.current = place;
      this.scroller.redraw();
    }
    if (!focus) return;
    this.scroller.reveal(place);
    this.scroller.shown.get(this.pictures.ids[place])?.firstChild.focus({ preventScroll: true });
  }

  help() {
    showShortcuts(this.root, [
      { title: "In the list", shortcuts: IN_LIST }, { title: "In the large view", shortcuts: IN_VIEW },
    ]);
  }

  /** Back, Forward or the address opened or closed a picture. @param {number | null} id */
  async follow(id) {
    if (id === null) return this.viewer.close();
    const listed = this.pictures.placeOf(id) >= 0;
    const pictures = listed ? this.pictures : await this.alone(id);
    if (opened() === id && this.viewer.id !== id) this.viewer.open(pictures, pictures.placeOf(id));
    return undefined;
  }

  /** A picture outside the list, as a list of its own. @param {number} id */
  async alone(id) {
    // If the library lacks it, the large view says the same as for a lost file.
    const { hash = "none", name, captions = [] } = await this.api.details(id).catch(() => ({}));
    return Pictures.ofItems([{ id, hash, name, caption: captions[0]?.text, aspect: 1 }]);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    if (event.defaultPrevented || document.querySelector("dialog[open], [role=dialog]")) return;
    const does = meaningOf(IN_LIST, event, target);
    if (!does || !this.means(does, target)) return;
    event.preventDefault();
    event.stopPropagation();
    this.act(does);
  }

  /** Whether a key is meant for the list, and not for the browser. @param {string} does @param {Element} target */
  means(does, target) {
    if (["search", "help", "all"].includes(does)) return true;
    if (["earlier", "later"].includes(does) && !this.data.can.arrange) return false;
    if (does === "clear") return this.selection.size > 0;
    if (does === "open") return false; // the link of the picture opens it by itself
    if (this.canvas.contains(target)) return !(does === "select" && target.closest("button"));
    return target === document.body && ["left", "right"].includes(does);
  }

  /** @param {string} does */
  act(does) {
    const { pictures, current } = this, last = pictures.length - 1, ids = pictures.ids;
    const go = (place) => pictures.length && this.setCurrent(Math.min(last, Math.max(0, place)), true);
    const across = (step) => nearestIn(pictures.aspects, this.scroller.layout, current, step, GAP);
    if (does.startsWith("stretch ")) return this.stretch({ left: current - 1, right: current + 1, up: across(-1), down: across(1) }[does.slice(8)]);
    this.selection.settle();
    const acts = {
      search: () => this.focusSearch(), help: () => this.help(),
      left: () => go(current - 1), right: () => go(current + 1), up: () => go(across(-1)), down: () => go(across(1)),
      first: () => go(0), last: () => go(last),
      select: () => this.select(() => this.selection.toggle(ids[current])),
      extend: () => this.select(() => this.selection.extend(ids, ids[current])),
      all: () => this.select(() => this.selection.all(ids)),
      clear: () => this.select(() => this.selection.clear()),
      earlier: () => move(this, -1), later: () => move(this, 1),
    };
    return acts[does]?.();
  }

  /** Select up to another picture, from the one where this began. @param {number} place */
  stretch(place) {
    const { ids } = this.pictures, to = Math.min(ids.length - 1, Math.max(0, place));
    if (!ids.length) return;
    if (!this.selection.before) this.stretchedFrom = this.current;
    this.select(() => this.selection.stretch(ids, this.stretchedFrom, to));
    this.setCurrent(to, true);
  }

  focusSearch() {
    /** @type {HTMLInputElement | null} */
    const box = document.querySelector(BOX);
    box?.focus();
    box?.select();
  }

  stop() {
    this.address.stop();
    this.viewer.stop();
    this.drags.stop();
    this.stopDrops();
    this.stopSuggesting();
    this.scroller.stop();
    this.sizes.disconnect();
    document.removeEventListener("keydown", this.listen);
    this.root.remove();
  }
}

/** @param {number} pictures */
function counted(pictures) {
  return pictures === 1 ? "1 picture" : `${pictures.toLocaleString("en")} pictures`;
}
