/** Boxes over the page: the list of shortcuts, and the choice of an album. */

import { element, iconButton } from "./elements.js";
import { nameOf } from "./keys.js";

/** @param {HTMLElement} host @param {string} title @param {Node[]} parts @returns {HTMLDialogElement} */
function box(host, title, parts) {
  const made = element("dialog", { class: "pf-box", "aria-label": title, close: () => made.remove(),
    keydown: (event) => event.stopPropagation(),
    click: (event) => event.target === made && made.close() },
  element("div", { class: "pf-box-inner" },
    element("header", {}, element("h2", {}, title), iconButton("close", "Close", () => made.close())), ...parts));
  host.append(made);
  made.showModal();
  return made;
}

/** Show what keys do. @param {HTMLElement} host @param {{title: string, shortcuts: import("./keys.js").Shortcut[]}[]} parts */
export function showShortcuts(host, parts) {
  const row = ({ keys, says }) => element("tr", {},
    element("th", { scope: "row" }, ...keys.flatMap((key, n) => [n ? " or " : "", element("kbd", {}, nameOf(key))])),
    element("td", {}, says));
  const tables = parts.map(({ title, shortcuts }) => element("section", {},
    element("h3", {}, title), element("table", {}, element("tbody", {}, ...shortcuts.map(row)))));
  return box(host, "Keyboard shortcuts", [element("div", { class: "pf-shortcuts" }, ...tables)]);
}

/**
 * Let an album be chosen or named.
 * @param {HTMLElement} host @param {string[]} names @param {(name: string, isNew: boolean) => void} chosen
 */
export function chooseAlbum(host, names, chosen) {
  const pick = (name, isNew) => { open.close(); chosen(name, isNew); };
  const field = element("input", { type: "text", maxlength: "200", required: true, "aria-label": "Name of a new album", placeholder: "New album" });
  const form = element("form", {
    submit: (event) => { event.preventDefault(); if (field.value.trim()) pick(field.value.trim(), !names.includes(field.value.trim())); },
  }, field, element("button", { type: "submit", class: "pf-main" }, "Add"));
  const list = element("ul", { class: "pf-albums" }, ...names.map((name) =>
    element("li", {}, element("button", { type: "button", click: () => pick(name, false) }, name))));
  const open = box(host, "Add to album", [form, list]);
  field.focus();
  return open;
}
