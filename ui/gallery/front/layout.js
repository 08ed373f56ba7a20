/**
 * Layout: justified rows of pictures under headings, from sizes that are known beforehand.
 *
 * @typedef {object} Sizes
 * @property {number} width of the gallery, in pixels like the others
 * @property {number} row height that rows come close to
 * @property {number} gap between pictures
 * @property {number} heading height of a heading; 0 for none
 *
 * @typedef {object} Layout
 * @property {Float64Array} tops of the rows
 * @property {Float64Array} heights of the rows
 * @property {Int32Array} firsts index of the first picture of each row, and behind the last one
 * @property {{top: number, label: string, first: number}[]} headings
 * @property {number} height of everything
 */

const NARROWEST = 0.4; // of pictures in a row: narrower and wider ones are cropped
const WIDEST = 3;

/** Aspect of a picture as it is laid out. @param {number} aspect */
export function shownAspect(aspect) {
  return Math.min(WIDEST, Math.max(NARROWEST, aspect || 1));
}

/**
 * Rows of all pictures; the last row under each heading keeps the height that is asked for.
 * @param {ArrayLike<number>} aspects width / height of each picture
 * @param {{label: string, first: number}[]} groups in the order of their first picture
 * @param {Sizes} sizes
 * @returns {Layout}
 */
export function layOut(aspects, groups, sizes) {
  const tops = [], heights = [], firsts = [], headings = [];
  let top = 0;
  groups.forEach(({ label, first }, place) => {
    const end = place + 1 < groups.length ? groups[place + 1].first : aspects.length;
    if (first === end) return;
    if (sizes.heading) headings.push({ top, label, first });
    top += sizes.heading;
    for (let start = first; start < end; ) {
      const row = rowFrom(aspects, start, end, sizes);
      tops.push(top);
      heights.push(row.height);
      firsts.push(start);
      top += row.height + sizes.gap;
      start = row.end;
    }
  });
  firsts.push(aspects.length);
  return {
    tops: Float64Array.from(tops),
    heights: Float64Array.from(heights),
    firsts: Int32Array.from(firsts),
    headings,
    height: top,
  };
}

/** @param {ArrayLike<number>} aspects @param {number} start @param {number} end @param {Sizes} sizes */
function rowFrom(aspects, start, end, { width, row, gap }) {
  let sum = 0, next = start;
  while (next < end) {
    sum += shownAspect(aspects[next]);
    next += 1;
    const height = (width - gap * (next - start - 1)) / sum;
    if (height <= row) return { end: next, height };
  }
  return { end: next, height: row };
}

/**
 * Left edges and widths of the pictures of a row.
 * @param {ArrayLike<number>} aspects @param {Layout} layout @param {number} row @param {number} gap
 */
export function placesIn(aspects, layout, row, gap) {
  const places = [];
  let left = 0;
  for (let index = layout.firsts[row]; index < layout.firsts[row + 1]; index += 1) {
    const width = shownAspect(aspects[index]) * layout.heights[row];
    places.push({ index, left, width });
    left += width + gap;
  }
  return places;
}

/**
 * Place of the last value that is not above another one; 0 if all are.
 * @param {ArrayLike<number>} values in ascending order @param {number} sought
 */
export function lastAtMost(values, sought) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= sought) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Row of a picture. @param {Layout} layout @param {number} index */
export function rowOf(layout, index) {
  return lastAtMost(layout.firsts.subarray(0, -1), index);
}

/**
 * Picture in the row above (-1) or below (1) that is nearest to one; itself at the edges.
 * @param {ArrayLike<number>} aspects @param {Layout} layout @param {number} index
 * @param {number} step @param {number} gap
 */
export function nearestIn(aspects, layout, index, step, gap) {
  const row = rowOf(layout, index);
  if (row + step < 0 || row + step >= layout.tops.length) return index;
  const own = placesIn(aspects, layout, row, gap).find((place) => place.index === index);
  if (own === undefined) return index;
  const middle = own.left + own.width / 2;
  const distance = (place) => Math.abs(place.left + place.width / 2 - middle);
  const others = placesIn(aspects, layout, row + step, gap);
  return others.reduce((best, one) => (distance(one) < distance(best) ? one : best)).index;
}

/**
 * Pictures that a rectangle touches; empty where it lies between pictures.
 * @param {ArrayLike<number>} aspects @param {Layout} layout
 * @param {{left: number, top: number, right: number, bottom: number}} box @param {number} gap
 * @returns {number[]}
 */
export function touched(aspects, layout, { left, top, right, bottom }, gap) {
  const found = [];
  const end = layout.tops.length;
  for (let row = lastAtMost(layout.tops, top); row < end && layout.tops[row] <= bottom; row += 1) {
    if (layout.tops[row] + layout.heights[row] < top) continue;
    for (const place of placesIn(aspects, layout, row, gap)) {
      if (place.left <= right && place.left + place.width >= left) found.push(place.index);
    }
  }
  return found;
}
