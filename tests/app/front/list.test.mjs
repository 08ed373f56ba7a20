/** The list: its layout, its headings, what is selected of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { dayName, momentName, monthOf, yearsOf } from "../../../ui/gallery/front/dates.js";
import { lastAtMost, layOut, nearestIn, placesIn, rowOf, shownAspect, touched } from "../../../ui/gallery/front/layout.js";
import { Pictures } from "../../../ui/gallery/front/pictures.js";
import { Selection, beforeOf } from "../../../ui/gallery/front/selection.js";

const SIZES = { width: 1000, row: 200, gap: 4, heading: 40 };

/** Aspects that look random and are the same each time. */
function aspects(count) {
  let seed = 7;
  return Array.from({ length: count }, () => {
    seed = (seed * 16807) % 2147483647;
    return 0.2 + (seed % 400) / 100;
  });
}

for (const groups of [[{ label: "", first: 0 }], [0, 1, 2, 90].map((first) => ({ label: `${first}`, first }))]) {
  test(`rows of ${groups.length} groups have each picture once and fill the width`, () => {
    const all = aspects(100), layout = layOut(all, groups, SIZES);
    const seen = [], starts = new Set(groups.map((group) => group.first));
    layout.tops.forEach((top, row) => {
      const places = placesIn(all, layout, row, SIZES.gap), last = places.at(-1);
      seen.push(...places.map((place) => place.index));
      const ends = last.index + 1 === all.length || starts.has(last.index + 1);
      const right = last.left + last.width;
      assert.ok(right <= SIZES.width + 1e-6);
      if (!ends) assert.ok(Math.abs(right - SIZES.width) < 1e-6);
      assert.ok(layout.heights[row] <= SIZES.row);
      if (row) assert.ok(top >= layout.tops[row - 1] + layout.heights[row - 1] + SIZES.gap - 1e-6);
    });
    assert.deepEqual(seen, all.map((_, place) => place));
    assert.equal(layout.headings.length, groups.length);
    assert.ok(layout.height >= layout.tops.at(-1) + layout.heights.at(-1));
  });
}

test("an empty list has no height, and a single panorama fits the width", () => {
  assert.equal(layOut([], [{ label: "", first: 0 }], SIZES).height, 0);
  const layout = layOut([50], [{ label: "", first: 0 }], { ...SIZES, width: 300 });
  assert.equal(placesIn([50], layout, 0, 4)[0].width, 300);
  assert.deepEqual([shownAspect(0), shownAspect(NaN), shownAspect(99), shownAspect(0.01)], [1, 1, 3, 0.4]);
});

test("rows are found by a picture and by a place on the screen", () => {
  const all = aspects(5000), layout = layOut(all, [{ label: "", first: 0 }], SIZES);
  for (const index of [0, 1, 17, 4998, 4999]) {
    const row = rowOf(layout, index);
    assert.ok(layout.firsts[row] <= index && index < layout.firsts[row + 1]);
  }
  assert.deepEqual([-5, 0, 9, 10, 99].map((sought) => lastAtMost([0, 10, 20], sought)), [0, 0, 0, 1, 2]);
  const below = nearestIn(all, layout, 0, 1, SIZES.gap);
  assert.equal(rowOf(layout, below), 1);
  assert.equal(nearestIn(all, layout, 0, -1, SIZES.gap), 0);
  assert.equal(rowOf(layout, nearestIn(all, layout, below, -1, SIZES.gap)), 0);
});

test("months are headings as far as dates are known", () => {
  const days = ["2021-05-03", "2021-05-01", "2021-04", "2021", null, null];
  const columns = { ids: [1, 2, 3, 4, 5, 6], hashes: [], aspects: [], days };
  assert.deepEqual(new Pictures(columns, null, true).groups(), [
    { label: "May 2021", first: 0 }, { label: "April 2021", first: 2 }, { label: "2021", first: 3 }, { label: "Undated", first: 4 },
  ]);
  assert.equal(new Pictures(columns, null, false).groups().length, 1);
  assert.deepEqual(new Pictures({ ...columns, days: [null, null] }, null, true).groups(), [{ label: "", first: 0 }]);
  assert.deepEqual(yearsOf(days).map((year) => year.first), [0, 4]);
  assert.deepEqual([monthOf(null), dayName("2021-05-03"), dayName("2021-05"), momentName("2021-05-03T14:05:09")],
    ["Undated", "3 May 2021", "May 2021", "3 May 2021, 14:05"]);
});

test("text for a picture is its caption, its name or its day", () => {
  const items = [{ id: 1, hash: "", aspect: 1, caption: "a dog", name: "a.jpg" }, { id: 2, hash: "", aspect: 1, name: "b.jpg" }];
  const found = Pictures.ofItems(items);
  assert.deepEqual([found.altOf(0), found.altOf(1), found.placeOf(2), found.placeOf(9)], ["a dog", "b.jpg", 1, -1]);
  const plain = new Pictures({ ids: [1, 2], hashes: [], aspects: [], days: ["2021-05-03", null] });
  assert.deepEqual([plain.altOf(0), plain.altOf(1)], ["Picture of 3 May 2021", "Picture 2"]);
});

test("a range goes from the picture selected last, in both directions", () => {
  const order = [5, 3, 9, 1, 7], selection = new Selection();
  selection.extend(order, 9); // nothing was selected before
  assert.deepEqual(selection.ordered(order), [9]);
  selection.extend(order, 5);
  assert.deepEqual(selection.ordered(order), [5, 3, 9]);
  selection.toggle(3);
  selection.toggle(7);
  selection.extend(order, 1);
  assert.deepEqual(selection.ordered(order), [5, 9, 1, 7]);
  selection.keep([1, 2, 5]);
  assert.deepEqual(selection.ordered([1, 2, 5]), [1, 5]);
  selection.all(order);
  assert.equal(selection.size, 5);
  selection.clear();
  assert.equal(selection.size, 0);
});

test("a rectangle touches the pictures that it lies over", () => {
  const all = aspects(300), layout = layOut(all, [0, 40].map((first) => ({ label: `${first}`, first })), SIZES);
  const boxes = [{ left: 0, top: 0, right: 1e4, bottom: 1e9 }, { left: 200, top: 150, right: 420, bottom: 990 }, { left: 0, top: 0, right: 900, bottom: 30 }];
  const over = (box) => all.map((_, index) => index).filter((index) => {
    const row = rowOf(layout, index), place = placesIn(all, layout, row, SIZES.gap).find((one) => one.index === index);
    return place.left <= box.right && place.left + place.width >= box.left && layout.tops[row] <= box.bottom && layout.tops[row] + layout.heights[row] >= box.top;
  });
  for (const box of boxes) assert.deepEqual(touched(all, layout, box, SIZES.gap), over(box));
  assert.deepEqual([touched(all, layout, boxes[0], SIZES.gap).length, touched(all, layout, boxes[2], SIZES.gap).length], [300, 0]);
});

test("a range that is stretched shrinks again and leaves what was selected before", () => {
  const order = [5, 3, 9, 1, 7], selection = new Selection();
  selection.toggle(7);
  for (const [to, expected] of [[2, [5, 3, 9, 7]], [1, [5, 3, 7]], [3, [5, 3, 9, 1, 7]]]) {
    selection.stretch(order, 0, to);
    assert.deepEqual(selection.ordered(order), expected);
  }
  selection.settle();
  selection.with([9]);
  selection.giveUp();
  assert.deepEqual(selection.ordered(order), order);
});

test("pictures move by a step, together, and stop at the ends", () => {
  const order = [5, 3, 9, 1, 7];
  const moved = (ids, step) => {
    const rest = order.filter((id) => !ids.includes(id)), before = beforeOf(order, ids, step);
    rest.splice(before === null ? rest.length : rest.indexOf(before), 0, ...ids);
    return rest.join("");
  };
  const said = [[[9], -1, "59317"], [[9], 1, "53197"], [[5], -1, "53917"], [[7], 1, "53917"], [[3, 1], -1, "31597"], [[3, 1], 1, "59731"], [[1], 1, "53971"]];
  for (const [ids, step, expected] of said) assert.equal(moved(ids, step), expected);
});
