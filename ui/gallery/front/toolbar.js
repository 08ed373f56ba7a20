/** Toolbar: what can be done with the pictures that are selected. */

import { element, icon } from "./elements.js";

/** @typedef {{name: string, icon: any, act: () => void}} Action */

export class Toolbar {
  /** @param {Action[]} actions @param {() => void} clear */
  constructor(actions, clear) {
    this.count = element("span", { class: "pf-count", role: "status" });
    const button = (name, sign, act) => element("button", { type: "button", click: act }, icon(sign), element("span", {}, name));
    this.bar = element("div", { class: "pf-selected", role: "toolbar", "aria-label": "Selected pictures", hidden: true },
      this.count, ...actions.map((action) => button(action.name, action.icon, action.act)), button("Clear", "close", clear));
  }

  /** @param {number} count */
  show(count) {
    this.bar.hidden = !count;
    this.count.textContent = `${count.toLocaleString("en")} selected`;
  }
}
