/** Selection: pictures that were picked, by id; it outlives changes of the list. */

/**
 * Picture before which others stand after a step, together if they were apart; null for the end.
 * @param {number[]} order ids of the list @param {number[]} ids that move, in this order @param {-1 | 1} step
 */
export function beforeOf(order, ids, step) {
  const moving = new Set(ids), from = order.indexOf(/** @type {number} */ (step < 0 ? ids[0] : ids.at(-1)));
  const rest = order.filter((id) => !moving.has(id)), passed = order.slice(0, from).filter((id) => !moving.has(id)).length;
  return rest[Math.max(0, passed + step)] ?? null;
}

export class Selection {
  constructor() {
    /** @type {Set<number>} */
    this.ids = new Set();
    /** @type {number | null} id that a range begins with */
    this.anchor = null;
    /** @type {Set<number> | null} what was selected before the range that is being stretched */
    this.before = null;
  }

  get size() {
    return this.ids.size;
  }

  /** Select or deselect a picture. @param {number} id */
  toggle(id) {
    this.settle();
    if (!this.ids.delete(id)) this.ids.add(id);
    this.anchor = id;
  }

  /**
   * Select all pictures from the one picked last to another one.
   * @param {number[]} order ids of the list @param {number} id
   */
  extend(order, id) {
    const from = order.indexOf(/** @type {number} */ (this.anchor)), to = order.indexOf(id);
    if (from < 0 || to < 0) return this.toggle(id);
    this.settle();
    for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) this.ids.add(each);
    return undefined;
  }

  /**
   * Stretch a range: all pictures between two are selected, beside what was before it began.
   * @param {number[]} order ids of the list @param {number} from @param {number} to places
   */
  stretch(order, from, to) {
    this.with(order.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.anchor = order[from];
  }

  /** Select pictures beside those before, until `settle`. @param {number[]} ids */
  with(ids) {
    this.before ??= new Set(this.ids);
    this.ids = new Set([...this.before, ...ids]);
  }

  /** End a range: what is selected now stays. */
  settle() {
    this.before = null;
  }

  /** Give a range up that was not settled. */
  giveUp() {
    this.ids = this.before ?? this.ids;
    this.settle();
  }

  /** Select all pictures. @param {number[]} order */
  all(order) {
    this.settle();
    this.ids = new Set(order);
  }

  clear() {
    this.settle();
    this.ids = new Set();
    this.anchor = null;
  }

  /** Forget pictures that are not in the list any more. @param {number[]} order */
  keep(order) {
    if (!this.size) return;
    const present = new Set(order);
    this.ids = new Set([...this.ids].filter((id) => present.has(id)));
  }

  /** Ids in the order of the list. @param {number[]} order */
  ordered(order) {
    return order.filter((id) => this.ids.has(id));
  }
}
