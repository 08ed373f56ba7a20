/** Api: the addresses of pictures and facts on the server. */

/** @param {string} root of the routes, as "/pf" */
export function apiAt(root) {
  const lists = new Map();
  return {
    /** @param {number} id @param {string} hash */
    thumb: (id, hash) => `${root}/thumb/${id}/${hash}`,
    /** @param {number} id @param {string} hash @param {number} side */
    view: (id, hash, side) => `${root}/view/${id}/${hash}?side=${side}`,
    /** @param {number} id @param {string} hash */
    original: (id, hash) => `${root}/original/${id}/${hash}`,
    /** @param {number} id @returns {Promise<any>} */
    details: (id) => json(`${root}/details/${id}`),
    /** @param {string} typed @returns {Promise<{names: {name: string}[], examples: string[]}>} */
    suggest: (typed) => json(`${root}/suggest?q=${encodeURIComponent(typed)}`),
    /**
     * The columns of a list; those fetched last are kept, so that going back shows them at once.
     * @param {string} url @param {string} version of the library
     */
    columns(url, version) {
      const key = `${url} ${version}`;
      if (!lists.has(key)) {
        lists.set(key, json(url).catch((error) => { lists.delete(key); throw error; }));
        if (lists.size > 4) lists.delete(lists.keys().next().value);
      }
      return lists.get(key);
    },
    /** Download originals: one as it is, several as a zip. @param {number[]} ids @param {string} [hash] */
    download(ids, hash) {
      if (ids.length === 1 && hash) return link(`${root}/original/${ids[0]}/${hash}`);
      return post(`${root}/zip`, ids);
    },
  };
}

/** @param {string} url */
async function json(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}

/** @param {string} href */
function link(href) {
  const made = document.createElement("a");
  made.href = href;
  made.download = "";
  made.click();
}

/** Post a form, whose answer the browser saves as it arrives; an error does not replace the page. @param {string} action @param {number[]} ids */
function post(action, ids) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = action;
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "ids";
  field.value = ids.join(",");
  form.append(field);
  form.hidden = true;
  form.target = "pf-download";
  if (!document.getElementsByName(form.target).length) {
    const frame = document.createElement("iframe");
    frame.name = form.target;
    frame.hidden = true;
    document.body.append(frame);
  }
  document.body.append(form);
  form.submit();
  form.remove();
}
