/**
 * Pictures: the list that is shown, whatever it came from.
 *
 * @typedef {object} Item what a search says of a picture
 * @property {number} id
 * @property {string} hash
 * @property {number} aspect
 * @property {string} [name]
 * @property {string} [caption]
 * @property {number | null} [percent]
 * @property {string[]} [why]
 * @property {Item[]} [folded]
 * @property {"right" | "wrong" | null} [mark]
 *
 * @typedef {object} Columns
 * @property {number[]} ids
 * @property {string[]} hashes
 * @property {number[]} aspects
 * @property {(string | null)[]} days
 */

import { monthOf, dayName } from "./dates.js";

export class Pictures {
  /** @param {Columns} columns @param {Item[] | null} items @param {boolean} dated */
  constructor(columns, items = null, dated = false) {
    this.ids = columns.ids;
    this.hashes = columns.hashes;
    this.aspects = columns.aspects;
    this.days = columns.days;
    this.items = items;
    this.dated = dated;
    /** @type {Map<number, number> | null} */
    this.places = null;
  }

  static none() {
    return new Pictures({ ids: [], hashes: [], aspects: [], days: [] });
  }

  /** The pictures of an answer. @param {Item[]} items */
  static ofItems(items) {
    const columns = {
      ids: items.map((item) => item.id),
      hashes: items.map((item) => item.hash),
      aspects: items.map((item) => item.aspect),
      days: items.map(() => null),
    };
    return new Pictures(columns, items);
  }

  get length() {
    return this.ids.length;
  }

  /** Place of a picture in the list; -1 if it is not there. @param {number | null} id */
  placeOf(id) {
    this.places ??= new Map(this.ids.map((each, place) => [each, place]));
    return id === null ? -1 : this.places.get(id) ?? -1;
  }

  /** Headings, each with its first picture: months if dates order the list, else none. */
  groups() {
    if (!this.dated) return [{ label: "", first: 0 }];
    const groups = [];
    this.days.forEach((day, first) => {
      const label = monthOf(day);
      if (groups.at(-1)?.label !== label) groups.push({ label, first });
    });
    return groups;
  }

  /** Text that stands for a picture. @param {number} place */
  altOf(place) {
    const item = this.items?.[place];
    if (item) return item.caption || item.name || "Picture";
    const day = this.days[place];
    return day ? `Picture of ${dayName(day)}` : `Picture ${place + 1}`;
  }
}
