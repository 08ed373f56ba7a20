/** Viewer: one picture over the whole window, with the next ones behind it. */

import { detailsOf } from "./details.js";
import { element, icon, iconButton } from "./elements.js";
import { IN_VIEW, meaningOf } from "./keys.js";
import { LargePicture } from "./large_picture.js";
import { marksOf } from "./tiles.js";
import { Zoom } from "./zoom.js";

const SHOWN_FOR = 4000; // ms of each picture in a slideshow

/**
 * @typedef {object} ViewerActions
 * @property {(id: number, instead: boolean) => void} opened
 * @property {(id: number) => void} closed
 * @property {(item: import("./pictures.js").Item, mark: "right" | "wrong") => void} [mark]
 * @property {(id: number) => void} similar
 * @property {(id: number) => void} [heat]
 * @property {(where: string) => void} filter
 * @property {(ids: number[], on: boolean) => void} [favourite]
 * @property {(ids: number[]) => void} [album]
 * @property {() => void} help
 * @property {() => void} ending more pictures may follow
 */

export class Viewer {
  /** @param {HTMLElement} host @param {any} api @param {ViewerActions} on */
  constructor(host, api, on) {
    this.api = api;
    this.on = on;
    this.place = -1;
    this.timer = 0;
    this.build();
    host.append(this.dialog);
    this.large = new LargePicture(this.frame, api);
    this.zoom = new Zoom(this.frame, {
      changed: (scale) => scale > 1 && this.large.sharpen(),
      swiped: (step) => this.step(step),
      dismissed: () => this.close(),
    });
  }

  build() {
    const button = (name, says, does, more = {}) => iconButton(name, says, () => this.act(does), more);
    this.frame = element("div", { class: "pf-frame" });
    this.title = element("p", { class: "pf-title", "aria-live": "polite" });
    this.panel = element("aside", { class: "pf-details", "aria-label": "Details", hidden: true });
    this.marks = element("span");
    this.heart = button("heart", "Favourite (l)", "favourite", { "aria-pressed": "false" });
    this.playing = button("play", "Slideshow (space)", "slideshow", { "aria-pressed": "false", class: "pf-wide" });
    this.inform = button("info", "Details (i)", "details", { "aria-expanded": "false" });
    this.album = button("album", "Add to album", "album");
    this.heat = button("heat", "Show why (heat map)", "heat");
    const tools = [
      this.marks, this.heart, this.album, button("similar", "Find similar pictures", "similar"), this.heat,
      button("download", "Download (d)", "download"), this.playing, button("full", "Full screen (f)", "full", { class: "pf-wide" }),
      this.inform, button("close", "Close (Esc)", "close"),
    ];
    this.back = button("previous", "Previous picture", "previous", { class: "pf-side pf-back" });
    this.forth = button("next", "Next picture", "next", { class: "pf-side pf-forth" });
    const bar = element("div", { class: "pf-bar" }, this.title, element("div", { class: "pf-tools", role: "toolbar", "aria-label": "Picture" }, ...tools));
    this.stage = element("div", { class: "pf-stage", tabindex: "-1", autofocus: true }, bar, element("div", { class: "pf-middle" }, this.frame, this.back, this.forth), this.panel);
    this.dialog = element("dialog", {
      class: "pf-viewer", "aria-label": "Picture",
      keydown: (event) => this.key(event),
      cancel: (event) => { event.preventDefault(); this.close(); },
    }, this.stage);
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Id of the picture that is open, or null. */
  get id() {
    return this.isOpen ? this.pictures.ids[this.place] : null;
  }

  /**
   * Open a picture of a list.
   * @param {import("./pictures.js").Pictures} pictures @param {number} place
   */
  open(pictures, place) {
    this.pictures = pictures;
    const instead = this.isOpen;
    if (!instead) this.dialog.showModal();
    this.show(place);
    this.on.opened(pictures.ids[place], instead);
  }

  /** The list has grown or was marked anew. @param {import("./pictures.js").Pictures} pictures */
  follow(pictures) {
    if (!this.isOpen) return;
    const place = pictures.placeOf(this.id);
    if (place < 0) return;
    this.pictures = pictures;
    this.place = place;
    this.say();
  }

  /** @param {number} place */
  show(place) {
    this.place = place;
    this.zoom.fit();
    this.large.show(this.pictures, place);
    this.say();
    this.learn();
    if (place >= this.pictures.length - 3) this.on.ending();
  }

  say() {
    const { pictures, place } = this, item = pictures.items?.[place];
    this.heart.hidden = !this.on.favourite;
    this.album.hidden = !this.on.album;
    this.heat.hidden = !this.on.heat;
    this.title.textContent = `${place + 1} of ${pictures.length.toLocaleString("en")} · ${pictures.altOf(place)}`;
    this.back.disabled = place === 0;
    this.forth.disabled = place === pictures.length - 1;
    this.marks.replaceChildren(...(item && this.on.mark ? [marksOf(item, (mark) => this.on.mark?.(item, mark))] : []));
  }

  /** Learn what is known of the picture, for the heart and the panel. */
  async learn() {
    const id = this.pictures.ids[this.place];
    try {
      const facts = await this.api.details(id);
      if (this.id !== id) return;
      this.heart.setAttribute("aria-pressed", String(Boolean(facts.favourite)));
      const filter = (where) => { this.close(); this.on.filter(where); };
      this.panel.replaceChildren(element("h2", {}, "Details"), ...detailsOf(facts, this.pictures.items?.[this.place], filter));
    } catch {
      if (this.id === id) this.panel.replaceChildren(element("p", {}, "The details cannot be read now."));
    }
  }

  /** @param {number} step */
  step(step) {
    const place = this.place + step;
    if (place < 0 || place >= this.pictures.length) return this.stop();
    this.show(place);
    return this.on.opened(this.pictures.ids[place], true);
  }

  close() {
    if (!this.isOpen) return;
    const id = this.pictures.ids[this.place];
    this.stop();
    if (document.fullscreenElement) document.exitFullscreen();
    this.dialog.close();
    this.large.clear();
    this.on.closed(id);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const does = meaningOf(IN_VIEW, event, /** @type {Element} */ (event.target));
    const onButton = event.target instanceof Element && event.target.closest("button, summary");
    event.stopPropagation(); // the page behind has keys of its own
    if (!does || (event.key === " " && onButton)) return;
    event.preventDefault();
    this.act(does);
  }

  /** @param {string} does */
  act(does) {
    const id = this.pictures.ids[this.place], last = this.pictures.length - 1;
    const acts = {
      previous: () => this.step(-1), next: () => this.step(1),
      first: () => this.step(-this.place), last: () => this.step(last - this.place),
      nearer: () => this.zoom.nearer(), farther: () => this.zoom.farther(), fit: () => this.zoom.fit(),
      slideshow: () => (this.timer ? this.stop() : this.start()),
      full: () => this.full(), details: () => this.unfold(),
      favourite: () => this.like(id), album: () => this.on.album?.([id]),
      similar: () => { this.close(); this.on.similar(id); },
      heat: () => { this.close(); this.on.heat?.(id); },
      download: () => this.api.download([id], this.pictures.hashes[this.place]),
      close: () => this.close(), help: () => this.on.help(),
    };
    acts[does]?.();
  }

  /** @param {number} id */
  like(id) {
    if (!this.on.favourite) return;
    const now = this.heart.getAttribute("aria-pressed") !== "true";
    this.heart.setAttribute("aria-pressed", String(now));
    this.on.favourite([id], now);
  }

  unfold() {
    this.panel.hidden = !this.panel.hidden;
    this.inform.setAttribute("aria-expanded", String(!this.panel.hidden));
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.stage.requestFullscreen?.();
  }

  start() {
    this.timer = window.setInterval(() => this.step(1), SHOWN_FOR);
    this.setPlaying(true);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.setPlaying(false);
  }

  /** @param {boolean} playing */
  setPlaying(playing) {
    this.playing.setAttribute("aria-pressed", String(playing));
    this.playing.replaceChildren(icon(playing ? "pause" : "play"));
  }
}
