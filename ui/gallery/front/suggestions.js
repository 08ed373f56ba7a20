/** Suggestions: names of the library, what was asked before, and examples, below the search box. */

import { element } from "./elements.js";

const ASKED = "picfuse-asked"; // in the browser's storage: what was searched for last
const MOST = 8;
const PAUSE = 150; // ms after a key until names are fetched
const LIST = "pf-suggestions";

/** What was searched for last, newest first. @returns {string[]} */
export function askedBefore() {
  try {
    return JSON.parse(localStorage.getItem(ASKED) ?? "[]");
  } catch {
    return [];
  }
}

/** Keep what was searched for. @param {string} words */
export function keepAsked(words) {
  const kept = [words, ...askedBefore().filter((one) => one !== words)].slice(0, MOST);
  if (words.trim()) localStorage.setItem(ASKED, JSON.stringify(kept));
}

/**
 * Suggest in a search box; returns a function that stops it. The browser shows the list, and what is
 * chosen from it stands in the box as if it was typed.
 * @param {HTMLElement} host @param {string} selector of the box @param {any} api
 */
export function suggestIn(host, selector, api) {
  const list = element("datalist", { id: LIST });
  host.append(list);
  let timer = 0;
  const boxOf = (event) => (event.target instanceof Element && event.target.matches(selector) ? event.target : null);
  const show = async (/** @type {any} */ box) => {
    const typed = box.value.trim();
    const found = await api.suggest(typed).catch(() => ({ names: [], examples: [] }));
    if (box.value.trim() !== typed) return;
    const names = typed ? found.names.map((one) => one.name) : [...askedBefore(), ...found.examples];
    list.replaceChildren(...[...new Set(names)].slice(0, MOST).map((value) => element("option", { value })));
  };
  const later = (event) => {
    const box = boxOf(event);
    if (!box) return;
    box.setAttribute("list", LIST);
    clearTimeout(timer);
    timer = window.setTimeout(() => show(box), event.type === "focusin" ? 0 : PAUSE);
  };
  const enter = (event) => {
    const box = boxOf(event);
    if (box && event.key === "Enter") keepAsked(/** @type {any} */ (box).value);
  };
  document.addEventListener("focusin", later);
  document.addEventListener("input", later);
  document.addEventListener("keydown", enter, true);
  return () => {
    clearTimeout(timer);
    document.removeEventListener("focusin", later);
    document.removeEventListener("input", later);
    document.removeEventListener("keydown", enter, true);
    list.remove();
  };
}
