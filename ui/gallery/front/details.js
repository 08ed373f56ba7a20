/** Details: what is known of a picture; dates, places, people and the like are links that filter. */

import { momentName } from "./dates.js";
import { element } from "./elements.js";

/**
 * A condition of the filter's language; the value is quoted, so that it may hold anything.
 * @param {string} field @param {string} value
 */
export function condition(field, value) {
  return `${field}: "${String(value).replace(/[\\"]/g, "\\$&")}"`;
}

/**
 * Text with nothing hidden in it: marks that change its direction, and controls, become escapes.
 * @param {string} text
 */
export function plain(text) {
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
  const escape = (one) => `\\${one < "\u0100" ? "x" : "u"}${one.charCodeAt(0).toString(16).padStart(one < "\u0100" ? 2 : 4, "0")}`;
  return String(text).replace(hidden, escape);
}

/**
 * Panel of a picture.
 * @param {any} facts as the server tells them @param {any} item of the answer, if there is one
 * @param {(where: string) => void} filter
 */
export function detailsOf(facts, item, filter) {
  const link = (field, text, value = text) =>
    element("button", { type: "button", class: "pf-link", click: () => filter(condition(field, value)) }, plain(text));
  const list = (field, values) => (values ?? []).flatMap((value, n) => (n ? [", ", link(field, value)] : [link(field, value)]));
  const rows = [
    ["Caption", captionsOf(facts)],
    ["Taken", facts.taken ? [link("taken", momentName(facts.taken), facts.taken.slice(0, 10)), source(facts.taken_source)] : []],
    ["Place", placeOf(facts, list, link)],
    ["People", list("person", facts.people)],
    ["Keywords", list("keyword", facts.keywords)],
    ["Tags", tagsOf(facts.tags, link)],
    ["Camera", facts.camera ? [link("camera", facts.camera)] : []],
    ["Lens", facts.lens ? [link("lens", facts.lens)] : []],
    ["Rating", facts.rating ? [link("rating", "★".repeat(facts.rating), facts.rating)] : []],
    ["Text", facts.text ? [plain(facts.text)] : []],
    ["Albums", list("album", facts.albums)],
    ["File", [plain(facts.name), element("br"), sizeOf(facts)]],
    ["Folder", facts.folder ? [link("folder", facts.folder)] : []],
  ];
  const shown = rows.filter(([, said]) => said.length);
  const panel = element("dl", {}, ...shown.flatMap(([name, said]) => [
    element("dt", {}, String(name)), element("dd", {}, .../** @type {any[]} */ (said)),
  ]));
  return [panel, ...whyOf(item)];
}

/** @param {any} facts */
function captionsOf(facts) {
  return (facts.captions ?? []).map((one) => element("p", {}, plain(one.text)));
}

/** @param {string | undefined} said */
function source(said) {
  return said ? element("small", {}, ` ${said}`) : "";
}

/** Names from the nearest to the widest; degrees if there are none. */
function placeOf(facts, list, link) {
  const names = facts.place ?? [];
  if (names.length) return list("place", Array.isArray(names) ? names : [names]);
  if (facts.latitude === null || facts.latitude === undefined) return [];
  const degrees = `${facts.latitude.toFixed(4)}, ${facts.longitude.toFixed(4)}`;
  return [link("place", degrees, `${degrees} within 1 km`)];
}

/** @param {{name: string, probability: number}[] | null} tags */
function tagsOf(tags, link) {
  return (tags ?? []).flatMap(({ name, probability }, n) => [n ? ", " : "", link("tag", name), ` ${Math.round(probability * 100)} %`]);
}

/** @param {any} facts */
function sizeOf(facts) {
  const bytes = facts.bytes >= 1e6 ? `${(facts.bytes / 1e6).toFixed(1)} MB` : `${Math.round(facts.bytes / 1e3)} KB`;
  return `${facts.width} × ${facts.height}, ${bytes}`;
}

/** @param {any} item */
function whyOf(item) {
  if (!item?.why?.length) return [];
  const lines = item.why.map((line) => element("p", {}, line));
  return [element("details", { class: "pf-why" }, element("summary", {}, "Why this picture"), ...lines)];
}
