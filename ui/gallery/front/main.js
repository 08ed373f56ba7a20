/** Entry: Streamlit calls `mount` when the component appears and whenever its data change. */

import { Gallery } from "./gallery.js";

/** @type {WeakMap<HTMLElement, {gallery: Gallery, send: (name: string, value: any) => void}>} */
const mounted = new WeakMap();

/**
 * @param {{data: any, parentElement: HTMLElement, setTriggerValue: (name: string, value: any) => void}} component
 * @returns {() => void} what Streamlit calls when the component goes
 */
export function mount({ data, parentElement, setTriggerValue }) {
  const known = mounted.get(parentElement);
  if (known) {
    known.send = setTriggerValue;
    known.gallery.show(data);
  } else {
    const made = { send: setTriggerValue, gallery: /** @type {any} */ (null) };
    mounted.set(parentElement, made);
    made.gallery = new Gallery(parentElement, data, (name, value) => made.send(name, value));
  }
  // Streamlit also calls this for a mount that a later one has overtaken.
  return () => setTimeout(() => {
    if (parentElement.isConnected) return;
    mounted.get(parentElement)?.gallery.stop();
    mounted.delete(parentElement);
  });
}
