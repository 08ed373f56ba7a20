/** Keys, the large view, and conditions of the details. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { forViewer } from "../../../ui/gallery/front/actions.js";
import { condition, plain } from "../../../ui/gallery/front/details.js";
import { IN_LIST, IN_VIEW, meaningOf, nameOf } from "../../../ui/gallery/front/keys.js";
import { sideFor } from "../../../ui/gallery/front/large_picture.js";
import { zoomed } from "../../../ui/gallery/front/zoom.js";

test("keys mean what the list of shortcuts says", () => {
  const cases = [
    [IN_LIST, { key: "/" }, "search"], [IN_LIST, { key: "?", shiftKey: true }, "help"],
    [IN_LIST, { key: "a", ctrlKey: true }, "all"], [IN_LIST, { key: "a", metaKey: true }, "all"],
    [IN_LIST, { key: "a" }, null], [IN_LIST, { key: "x", ctrlKey: true }, null],
    [IN_LIST, { key: "X", shiftKey: true }, "extend"], [IN_LIST, { key: " ", shiftKey: true }, "extend"],
    [IN_LIST, { key: "ArrowUp", shiftKey: true }, "stretch up"],
    [IN_VIEW, { key: " " }, "slideshow"], [IN_VIEW, { key: "f" }, "full"], [IN_VIEW, { key: "+", shiftKey: true }, "nearer"],
    [IN_VIEW, { key: "ArrowLeft", altKey: true }, null], // the browser's way back
  ];
  for (const [shortcuts, pressed, does] of cases) assert.equal(meaningOf(shortcuts, pressed), does);
  const field = { closest: (selector) => selector.includes("input") };
  assert.equal(meaningOf(IN_LIST, { key: "/" }, field), null);
});

test("a mark is that of the picture in the large view, which may be outside the list", () => {
  const sent = [], gallery = { data: { can: { mark: true } }, pictures: { items: [{ id: 1 }] }, send: (...said) => sent.push(said) };
  forViewer(gallery).mark({ id: 7 }, "right");
  forViewer(gallery).mark({ id: 8, mark: "wrong" }, "wrong");
  assert.deepEqual(sent, [["mark", { id: 7, mark: "right" }], ["mark", { id: 8, mark: null }]]);
});

test("each key has one meaning and a name", () => {
  for (const shortcuts of [IN_LIST, IN_VIEW]) {
    const keys = shortcuts.flatMap((one) => one.keys);
    assert.equal(new Set(keys).size, keys.length);
    assert.ok(keys.every((key) => nameOf(key).trim()));
  }
});

test("zooming keeps the point under the pointer and ends at the whole picture", () => {
  const point = { x: 100, y: -50 }, at = zoomed({ scale: 1, x: 0, y: 0 }, 2, point);
  assert.deepEqual([(point.x - at.x) / at.scale, (point.y - at.y) / at.scale], [100, -50]);
  assert.deepEqual(zoomed(at, 0.1), { scale: 1, x: 0, y: 0 });
  assert.equal(zoomed(at, 1000).scale, 8);
});

test("a view has as many pixels as the window shows, in few sizes", () => {
  assert.deepEqual([[1280, 1], [390, 3], [1440, 2], [2560, 1], [5000, 2]].map(([side, ratio]) => sideFor(side, ratio)),
    [1200, 1200, 3200, 2560, 4096]);
});

test("values of conditions are quoted, and hidden marks of texts are shown", () => {
  assert.equal(condition("folder", '/a "b" \\c'), 'folder: "/a \\"b\\" \\\\c"');
  assert.equal(plain("a\u202eb\u001b[31m\nc\u009b"), "a\\u202eb\\x1b[31m\nc\\x9b");
});
