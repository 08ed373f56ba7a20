/**
 * Tiles: one picture of the list, with its tick and what a search says of it.
 *
 * @typedef {object} TileActions
 * @property {(place: number, event: MouseEvent) => void} open
 * @property {(place: number, event: MouseEvent) => void} tick
 * @property {(item: import("./pictures.js").Item, mark: "right" | "wrong") => void} [mark]
 * @property {(place: number) => void} alike opens the near-identical shots
 * @property {(place: number) => void} focus
 */

import { element, icon, iconButton } from "./elements.js";

const HELD = 500; // ms that a finger rests on a picture to select it

/**
 * An empty tile. Its listeners ask for its place when they run, since the list may grow or change.
 * @param {TileActions} actions
 */
export function makeTile(actions) {
  const at = () => Number(tile.dataset.place);
  const image = element("img", { alt: "", draggable: "false", decoding: "async" });
  const open = element("a", { class: "pf-open", draggable: "false", click: (event) => {
    if (event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    actions.open(at(), event);
  }, focus: () => actions.focus(at()) }, image);
  const tick = element("button", {
    class: "pf-tick", type: "button", role: "checkbox", title: "Select",
    click: (event) => actions.tick(at(), event),
  }, icon("check"));
  const tile = element("div", { class: "pf-tile" }, open, tick);
  image.addEventListener("load", () => tile.classList.add("pf-loaded"));
  image.addEventListener("error", () => tile.classList.add("pf-lost"));
  for (const name of ["pointerenter", "focusin"]) tile.addEventListener(name, () => offerMarks(tile, actions));
  holdToSelect(open, (event) => actions.tick(at(), event));
  return tile;
}

/** Add the marks of a tile, which few tiles need. @param {any} tile @param {TileActions} actions */
function offerMarks(tile, actions) {
  const { mark } = actions;
  if (!mark || !tile.item || tile.querySelector(".pf-marks")) return;
  tile.append(marksOf(tile.item, (name) => mark(tile.item, name)));
}

/** @param {HTMLElement} open @param {(event: any) => void} select */
function holdToSelect(open, select) {
  let timer = 0, held = false;
  const stop = () => clearTimeout(timer);
  open.addEventListener("pointerdown", (event) => {
    held = false;
    if (event.pointerType === "mouse") return;
    timer = window.setTimeout(() => { held = true; select(event); }, HELD);
  });
  for (const name of ["pointerup", "pointercancel", "pointermove"]) {
    open.addEventListener(name, (event) => {
      if (name !== "pointermove" || Math.abs(event.movementX) + Math.abs(event.movementY) > 3) stop();
    });
  }
  open.addEventListener("contextmenu", (event) => held && event.preventDefault());
  open.addEventListener("click", (event) => {
    if (!held) return;
    held = false;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}

/**
 * Show a picture in a tile.
 * @param {any} tile @param {import("./pictures.js").Pictures} pictures @param {number} place
 * @param {{href: string, chosen: boolean, current: boolean, actions: TileActions}} state
 */
export function fillTile(tile, pictures, place, { href, chosen, current, actions }) {
  tile.dataset.place = place;
  tile.dataset.id = pictures.ids[place];
  const [open, tick] = tile.children;
  open.href = href;
  open.firstChild.alt = pictures.altOf(place);
  tick.setAttribute("aria-label", `Select: ${pictures.altOf(place)}`);
  tick.setAttribute("aria-checked", String(chosen));
  tile.classList.toggle("pf-chosen", chosen);
  tile.item = pictures.items?.[place];
  const said = JSON.stringify(tile.item);
  if (tile.item && tile.said !== said) {
    tile.said = said;
    tile.querySelectorAll(".pf-said").forEach((old) => old.remove());
    tile.append(...saidOf(tile.item, () => Number(tile.dataset.place), actions));
    if (tile.matches(":hover, :focus-within")) offerMarks(tile, actions);
  }
  const tab = current ? 0 : -1;
  for (const each of tile.querySelectorAll("a, button")) each.tabIndex = tab;
}

/** @param {any} item @param {() => number} at @param {TileActions} actions */
function saidOf(item, at, actions) {
  const parts = [];
  const line = element("div", { class: "pf-said pf-line" });
  if (item.caption || item.name) line.append(element("span", { class: "pf-caption" }, item.caption || item.name));
  if (item.percent !== null && item.percent !== undefined) {
    line.append(element("span", { class: "pf-percent" }, `${item.percent} %`));
  }
  parts.push(line);
  if (item.folded?.length) {
    const says = `${item.folded.length} near-identical`;
    parts.push(element("button", {
      class: "pf-said pf-alike", type: "button", title: says, "aria-label": says, click: () => actions.alike(at()),
    }, `+${item.folded.length}`));
  }
  if (actions.mark && item.mark) parts.push(marksOf(item, (mark) => actions.mark?.(item, mark)));
  return parts;
}

/**
 * Two buttons that mark a picture as right or wrong.
 * @param {{mark?: string | null}} item @param {(mark: "right" | "wrong") => void} mark
 */
export function marksOf(item, mark) {
  const button = (name, says) => iconButton(name, says, () => mark(name), { "aria-pressed": String(item.mark === name) });
  const marks = element("span", { class: "pf-said pf-marks" }, button("right", "More like this"), button("wrong", "Less like this"));
  marks.classList.toggle("pf-marked", Boolean(item.mark));
  return marks;
}
