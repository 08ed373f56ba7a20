/** Toolbar: what can be done with the pictures that are selected. */

import { element, icon } from "./elements.js";

/** @typedef {{name: string, icon: any, when: () => boolean, act: () => void}} Action */

export class Toolbar {
  /** @param {Action[]} actions @param {() => void} clear */
  constructor(actions, clear) {
    this.count = element("span", { class: "pf-count", role: "status" });
    const button = (name, sign, act) =>
      element("button", { type: "button", title: name, click: act }, icon(sign), element("span", {}, name));
    this.buttons = actions.map((action) => ({ action, button: button(action.name, action.icon, action.act) }));
    this.bar = element("div", { class: "pf-selected", role: "toolbar", "aria-label": "Selected pictures", hidden: true },
      this.count, ...this.buttons.map((one) => one.button), button("Clear", "close", clear));
  }

  /** Offer what the page can do now. */
  offer() {
    for (const { action, button } of this.buttons) button.hidden = !action.when();
  }

  /** @param {number} count */
  show(count) {
    this.bar.hidden = !count;
    this.count.textContent = `${count.toLocaleString("en")} selected`;
  }
}
