/** Header: what the list is, its order, and the size of its pictures. */

import { element, icon, iconButton } from "./elements.js";

/** Heights that rows come close to, from small to large; the middle one is the first. */
export const ROWS = [120, 200, 300];
const KEPT = "picfuse-row"; // in the browser's storage

/** Size of pictures that was chosen last, as a place in `ROWS`. */
export function keptSize() {
  const kept = Number(localStorage.getItem(KEPT) ?? 1);
  return kept in ROWS ? kept : 1;
}

export class Header {
  /** @param {{sort: (order: string) => void, size: (place: number) => void, help: () => void, choose?: () => void, inside: () => void}} on */
  constructor(on) {
    this.title = element("p", { class: "pf-total", role: "status" });
    this.sorts = element("select", { "aria-label": "Sort by", change: () => on.sort(this.sorts.value) });
    const size = (name, says, step) => element("button", { type: "button", "aria-label": says, title: says, click: () => {
      const place = Math.min(ROWS.length - 1, Math.max(0, keptSize() + step));
      localStorage.setItem(KEPT, String(place));
      on.size(place);
    } }, name);
    const choose = element("button", { type: "button", class: "pf-choose", title: "Choose, drop or paste a picture", click: on.choose }, icon("camera"), element("span", {}, "Search by picture"));
    choose.hidden = !on.choose;
    this.inside = element("button", { type: "button", class: "pf-choose", hidden: true, click: on.inside }, icon("search"), element("span", {}, "Search in this album"));
    this.bar = element("div", { class: "pf-header" }, this.title, this.inside, choose, this.sorts,
      size("−", "Smaller pictures", -1), size("+", "Larger pictures", 1),
      iconButton("help", "Keyboard shortcuts (?)", on.help, { class: "pf-wide" }));
  }

  /** @param {string} title @param {{value: string, name: string}[]} sorts @param {string} sorted */
  show(title, sorts, sorted) {
    this.title.textContent = title;
    this.sorts.hidden = !sorts.length;
    this.sorts.replaceChildren(...sorts.map(({ value, name }) => element("option", { value, selected: value === sorted }, name)));
  }
}
