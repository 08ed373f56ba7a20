/** Elements: a short way to make them, and the icons. */

const PATHS = {
  close: "M6 6l12 12M18 6L6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  check: "M5 12l5 5 9-10",
  download: "M12 4v11m-5-5l5 5 5-5M5 20h14",
  album: "M4 6h12v12H4zM8 3h13v12M10 9v6m-3-3h6",
  heart: "M12 20C5 14 3 11.5 3 8.5 3 6 5 4.5 7.200 4.5c2 0 3.600 1 4.800 3 1.200-2 2.800-3 4.800-3C19 4.5 21 6 21 8.5c0 3-2 5.5-9 11.5z",
  info: "M12 11v6m0-9.5v.1M12 3a9 9 0 100 18 9 9 0 000-18z",
  play: "M8 5l11 7-11 7z",
  pause: "M8 5v14m8-14v14",
  full: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  right: "M7 11v9H4v-9zm0 0l4-8c2 0 2.5 1.5 2 3l-.7 3H19c1.300 0 2 1 1.700 2.300l-1.5 7c-.2 1-.9 1.700-2 1.700H7",
  wrong: "M7 13V4H4v9zm0 0l4 8c2 0 2.5-1.5 2-3l-.7-3H19c1.300 0 2-1 1.700-2.300l-1.5-7c-.2-1-.9-1.700-2-1.700H7",
  similar: "M4 4h9v9H4zM16 8h4v12H8v-4",
  search: "M10 4a6 6 0 100 12 6 6 0 000-12zm5 11l5 5",
  minus: "M5 12h14",
  earlier: "M20 12H5m6-6l-6 6 6 6",
  later: "M4 12h15m-6-6l6 6-6 6",
  cover: "M4 4h16v16H4zM4 16l5-5 4 4 3-3 4 4",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zm8 2a3.5 3.5 0 100 7 3.5 3.5 0 000-7z",
  heat: "M12 3c1 4 5 6 5 11a5 5 0 01-10 0c0-2 1-3.5 2-4.5.5 1.5 1.5 2 2 2 0-3-.5-5.5 1-8.5z",
  help: "M9 9c0-1.700 1.300-3 3-3s3 1.300 3 3-3 2.5-3 5m0 3v.1",
};

/**
 * An element with attributes and children; functions are listeners, `undefined` is left out.
 * @param {string} tag @param {Record<string, any>} attributes @param {(Node | string)[]} children
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  made.append(path);
  return made;
}

/**
 * A button with an icon; its name is for screen readers and the pointer.
 * @param {keyof typeof PATHS} name of the icon @param {string} says
 * @param {(event: MouseEvent) => void} click @param {Record<string, any>} attributes
 */
export function iconButton(name, says, click, attributes = {}) {
  return element("button", { type: "button", "aria-label": says, title: says, click, ...attributes }, icon(name));
}
