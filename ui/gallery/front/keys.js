/**
 * Keys: what each one does in the list and in the large view.
 *
 * @typedef {{keys: string[], does: string, says: string}} Shortcut
 */

/** @type {Shortcut[]} */
export const IN_LIST = [
  { keys: ["/"], does: "search", says: "Go to the search box" },
  { keys: ["ArrowLeft"], does: "left", says: "Previous picture" },
  { keys: ["ArrowRight"], does: "right", says: "Next picture" },
  { keys: ["ArrowUp"], does: "up", says: "Picture above" },
  { keys: ["ArrowDown"], does: "down", says: "Picture below" },
  { keys: ["Home"], does: "first", says: "First picture" },
  { keys: ["End"], does: "last", says: "Last picture" },
  { keys: ["Enter"], does: "open", says: "Open the picture" },
  { keys: [" ", "x"], does: "select", says: "Select the picture" },
  { keys: ["Shift+ ", "Shift+X"], does: "extend", says: "Select all up to this picture" },
  { keys: ["Shift+ArrowLeft"], does: "stretch left", says: "Extend the selection left" },
  { keys: ["Shift+ArrowRight"], does: "stretch right", says: "Extend the selection right" },
  { keys: ["Shift+ArrowUp"], does: "stretch up", says: "Extend the selection up" },
  { keys: ["Shift+ArrowDown"], does: "stretch down", says: "Extend the selection down" },
  { keys: ["Control+ArrowLeft"], does: "earlier", says: "Move earlier in the album" },
  { keys: ["Control+ArrowRight"], does: "later", says: "Move later in the album" },
  { keys: ["Control+a"], does: "all", says: "Select all" },
  { keys: ["Escape"], does: "clear", says: "Clear the selection" },
  { keys: ["?"], does: "help", says: "Show these shortcuts" },
];

/** @type {Shortcut[]} */
export const IN_VIEW = [
  { keys: ["ArrowLeft"], does: "previous", says: "Previous picture" },
  { keys: ["ArrowRight"], does: "next", says: "Next picture" },
  { keys: ["Home"], does: "first", says: "First picture" },
  { keys: ["End"], does: "last", says: "Last picture" },
  { keys: ["+", "="], does: "nearer", says: "Zoom in" },
  { keys: ["-"], does: "farther", says: "Zoom out" },
  { keys: ["0"], does: "fit", says: "Fit to the window" },
  { keys: [" "], does: "slideshow", says: "Start or stop the slideshow" },
  { keys: ["f"], does: "full", says: "Full screen" },
  { keys: ["i"], does: "details", says: "Show details" },
  { keys: ["l"], does: "favourite", says: "Favourite" },
  { keys: ["d"], does: "download", says: "Download the original" },
  { keys: ["Escape"], does: "close", says: "Close" },
  { keys: ["?"], does: "help", says: "Show these shortcuts" },
];

const OWN_KEYS = "input, textarea, select, [contenteditable=true]";

/**
 * What a key does; null for a key that belongs to a field, to the browser or to nothing.
 * @param {Shortcut[]} shortcuts
 * @param {{key: string, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean, shiftKey?: boolean}} pressed
 * @param {Element | null} target of the key
 * @returns {string | null}
 */
export function meaningOf(shortcuts, pressed, target = null) {
  if (pressed.altKey || target?.closest?.(OWN_KEYS)) return null;
  const held = pressed.ctrlKey || pressed.metaKey ? "Control+" : "";
  const shift = pressed.shiftKey && /^( |[A-Z]|Arrow\w+)$/.test(pressed.key) ? "Shift+" : "";
  const name = held + shift + pressed.key;
  return shortcuts.find(({ keys }) => keys.includes(name))?.does ?? null;
}

const NAMES = {
  " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓",
  Escape: "Esc", "Control+a": "Ctrl+A", "Control+ArrowLeft": "Ctrl+←", "Control+ArrowRight": "Ctrl+→", "Shift+ ": "Shift+Space",
  "Shift+ArrowLeft": "Shift+←", "Shift+ArrowRight": "Shift+→", "Shift+ArrowUp": "Shift+↑", "Shift+ArrowDown": "Shift+↓",
};

/** A key as people call it. @param {string} key */
export function nameOf(key) {
  return NAMES[key] ?? key;
}
