/** Drop: a picture that is dropped or pasted anywhere goes to the page's uploader. */

import { element } from "./elements.js";

/** @param {DataTransfer | null} data */
function pictureIn(data) {
  return [...(data?.files ?? [])].find((file) => file.type.startsWith("image/") || /\.(hei[cf]|avif|jxl|tiff?)$/i.test(file.name));
}

/**
 * Listen on the whole page; returns a function that stops it.
 * @param {HTMLElement} host @param {string} uploader selector of the file input
 */
export function takeDrops(host, uploader) {
  const veil = element("div", { class: "pf-veil", hidden: true }, element("p", {}, "Drop the picture to search with it"));
  host.append(veil);
  const send = (file) => {
    const input = /** @type {HTMLInputElement | null} */ (document.querySelector(uploader));
    if (!input) return false;
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    return input.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const over = (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    veil.hidden = false;
  };
  const away = (event) => { if (!event.relatedTarget) veil.hidden = true; };
  const drop = (event) => {
    veil.hidden = true;
    const file = pictureIn(event.dataTransfer);
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    if (file) send(file);
  };
  const paste = (event) => {
    const file = pictureIn(event.clipboardData);
    const typing = event.target.matches?.("input, textarea");
    if (!file || (typing && event.clipboardData.types.includes("text/plain"))) return;
    if (send(file)) event.preventDefault();
  };
  const listeners = { dragenter: over, dragover: over, dragleave: away, drop, paste };
  for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener, true);
  return () => {
    for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener, true);
    veil.remove();
  };
}
