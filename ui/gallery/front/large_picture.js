/** Large picture: first as its thumbnail, then sharp; its neighbours are fetched beforehand. */

import { element } from "./elements.js";

const SIDES = [800, 1200, 1600, 2048, 2560, 3200, 4096]; // pixels, of those that the server makes
const AHEAD = [1, -1, 2];

/** Least side of `SIDES` that a window needs. @param {number} window @param {number} ratio */
export function sideFor(window, ratio) {
  const needed = window * ratio;
  return SIDES.find((side) => side >= needed * 0.9) ?? SIDES[SIDES.length - 1];
}

/** Least side of `SIDES` that this window needs. */
function windowSide() {
  return sideFor(Math.max(innerWidth, innerHeight), devicePixelRatio);
}

export class LargePicture {
  /** @param {HTMLElement} frame @param {any} api */
  constructor(frame, api) {
    this.frame = frame;
    this.api = api;
    /** @type {Map<string, HTMLImageElement>} */
    this.fetched = new Map();
  }

  /** @param {import("./pictures.js").Pictures} pictures @param {number} place */
  show(pictures, place) {
    this.pictures = pictures;
    this.place = place;
    this.side = windowSide();
    const thumb = this.api.thumb(pictures.ids[place], pictures.hashes[place]);
    const low = element("img", { class: "pf-low", src: thumb, alt: "", draggable: "false", error: () => low.remove() });
    this.low = low;
    this.frame.replaceChildren(low);
    this.bring(this.side).then(() => this.prefetch());
  }

  /** Show the picture in another size as soon as it is there. @param {number} side */
  async bring(side) {
    const { pictures, place } = this, image = this.fetch(place, side);
    try {
      await image.decode();
    } catch {
      return this.fail(place);
    }
    if (this.place !== place || this.pictures !== pictures) return undefined;
    image.alt = pictures.altOf(place);
    image.className = "pf-high";
    image.draggable = false;
    image.style.transform = this.low?.style.transform ?? "";
    this.frame.replaceChildren(image);
    return undefined;
  }

  /** @param {number} place */
  fail(place) {
    if (this.place !== place || this.frame.querySelector(".pf-high")) return; // only sharper pixels are missing
    this.frame.append(element("p", { class: "pf-failed", role: "status" }, "This picture cannot be shown. Its file may have moved or changed."));
  }

  /** Show more pixels: the picture is enlarged. */
  sharpen() {
    const most = SIDES[SIDES.length - 1];
    if (this.side === most || this.place === undefined) return;
    this.side = most;
    this.low = this.frame.querySelector("img");
    this.bring(most);
  }

  /** @param {number} place @param {number} side @returns {HTMLImageElement} */
  fetch(place, side) {
    const url = this.api.view(this.pictures.ids[place], this.pictures.hashes[place], side);
    let image = this.fetched.get(url);
    if (!image) {
      image = new Image();
      image.src = url;
      this.fetched.set(url, image);
      if (this.fetched.size > 8) this.fetched.delete(this.fetched.keys().next().value);
    }
    return image;
  }

  prefetch() {
    for (const step of AHEAD) {
      const place = this.place + step;
      if (place >= 0 && place < this.pictures.length) this.fetch(place, windowSide());
    }
  }

  clear() {
    this.place = undefined;
    this.fetched.clear();
    this.frame.replaceChildren();
  }
}
