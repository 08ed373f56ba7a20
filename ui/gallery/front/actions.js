/** Actions: what the parts of a gallery call; those that a page cannot do are undefined. */

import { chooseAlbum } from "./boxes.js";
import { Pictures } from "./pictures.js";
import { beforeOf } from "./selection.js";

/** @typedef {import("./gallery.js").Gallery} Gallery */

/** Actions of tiles. @param {Gallery} gallery @returns {import("./tiles.js").TileActions} */
export function forTiles(gallery) {
  const idAt = (place) => gallery.pictures.ids[place];
  const extend = (place) => gallery.select(() => gallery.selection.extend(gallery.pictures.ids, idAt(place)));
  const toggle = (place) => gallery.select(() => gallery.selection.toggle(idAt(place)));
  return {
    open: (place, event) => {
      if (event.shiftKey) extend(place);
      else if (gallery.selection.size) toggle(place);
      else gallery.viewer.open(gallery.pictures, place);
    },
    tick: (place, event) => (event.shiftKey ? extend(place) : toggle(place)),
    get mark() { return markOf(gallery); },
    alike: (place) => {
      const item = gallery.pictures.items?.[place];
      if (item) gallery.viewer.open(Pictures.ofItems([item, ...(item.folded ?? [])]), 0);
    },
    focus: (place) => gallery.setCurrent(place, false),
  };
}

/** Actions of the selection. @param {Gallery} gallery @returns {import("./toolbar.js").Action[]} */
export function forSelection(gallery) {
  const ids = () => gallery.selection.ordered(gallery.pictures.ids);
  const can = (name) => () => gallery.data.can[name];
  const { send } = gallery;
  return [
    { name: "Download", icon: "download", when: () => true, act: () => download(gallery, ids()) },
    { name: "Add to album", icon: "album", when: can("album"), act: () => addToAlbum(gallery, ids()) },
    { name: "Favourite", icon: "heart", when: can("album"), act: () => send("favourite", { ids: ids(), on: true }) },
    { name: "Remove", icon: "minus", when: can("remove"), act: () => send("remove", { ids: ids() }) },
    { name: "Move earlier", icon: "earlier", when: can("arrange"), act: () => move(gallery, -1) },
    { name: "Move later", icon: "later", when: can("arrange"), act: () => move(gallery, 1) },
    { name: "Use as cover", icon: "cover", when: can("arrange"), act: () => send("cover", { id: ids()[0] }) },
  ];
}

/** Actions of the large view. @param {Gallery} gallery @returns {import("./viewer.js").ViewerActions} */
export function forViewer(gallery) {
  // After the large view was closed, once the browser has gone back from it.
  const send = (name, value) => gallery.address.settled.then(() => gallery.send(name, value));
  return {
    opened: (id, instead) => gallery.address.open(id, instead),
    closed: (id) => gallery.closed(id),
    get mark() { return markOf(gallery); },
    similar: (id) => (gallery.data.search ? goTo(gallery, { like: id }) : send("similar", { id })),
    get heat() { return gallery.data.can.heat ? (id) => send("heat", { id }) : undefined; },
    filter: (where) => (gallery.data.search ? goTo(gallery, { where: within(gallery, where) }) : send("filter", { where })),
    get favourite() { return gallery.data.can.album ? (ids, on) => send("favourite", { ids, on }) : undefined; },
    get album() { return gallery.data.can.album ? (ids) => addToAlbum(gallery, ids) : undefined; },
    help: () => gallery.help(),
    ending: () => gallery.askForMore(),
  };
}

/** Move what is selected, or else the current picture, within the album. @param {Gallery} gallery @param {-1 | 1} step */
export function move(gallery, step) {
  const { pictures, selection, current } = gallery;
  const ids = selection.size ? selection.ordered(pictures.ids) : [pictures.ids[current]];
  if (gallery.data.can.arrange && pictures.length) gallery.send("move", { ids, before: beforeOf([...pictures.ids], ids, step) });
}

/** Search within the album that is shown. @param {Gallery} gallery */
export function searchInside(gallery) {
  goTo(gallery, { where: gallery.data.within });
}

/** @param {Gallery} gallery @param {string} where */
function within({ data }, where) {
  return data.within ? `${data.within} and ${where}` : where;
}

/** Go to the search page. @param {Gallery} gallery @param {Record<string, any>} asked */
function goTo(gallery, asked) {
  gallery.address.leave(`${gallery.data.search}?${new URLSearchParams(asked)}`);
}

/** @param {Gallery} gallery */
function markOf(gallery) {
  if (!gallery.data.can.mark) return undefined;
  return (item, mark) => gallery.send("mark", { id: item.id, mark: item.mark === mark ? null : mark });
}

/** @param {Gallery} gallery @param {number[]} ids */
function download(gallery, ids) {
  gallery.api.download(ids, gallery.pictures.hashes[gallery.pictures.placeOf(ids[0])]);
}

/** @param {Gallery} gallery @param {number[]} ids */
function addToAlbum(gallery, ids) {
  if (!ids.length) return;
  chooseAlbum(gallery.root, gallery.data.albums, (name, isNew) => gallery.send("album", { name, ids, new: isNew }));
}
