/** Dates: days of the catalogue ("2021-05-03", "2021-05", "2021" or null) as people read them. */

const MONTH = new Intl.DateTimeFormat("en-GB", { month: "long", year: "numeric", timeZone: "UTC" });
const DAY = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
export const UNDATED = "Undated";

/** Month of a day: "May 2021", or less if less is known. @param {string | null} day */
export function monthOf(day) {
  if (!day) return UNDATED;
  return day.length < 7 ? day : MONTH.format(new Date(`${day.slice(0, 7)}-01T00:00:00Z`));
}

/** A day: "3 May 2021", or less if less is known. @param {string} day */
export function dayName(day) {
  return day.length < 10 ? monthOf(day) : DAY.format(new Date(`${day.slice(0, 10)}T00:00:00Z`));
}

/** A moment: "3 May 2021, 14:05". @param {string} moment a local ISO time, or a part of it */
export function momentName(moment) {
  const time = moment.slice(11, 16);
  return time ? `${dayName(moment)}, ${time}` : dayName(moment);
}

/** Years that a list goes through, each with the first picture. @param {(string | null)[]} days */
export function yearsOf(days) {
  const years = [];
  days.forEach((day, first) => {
    const label = day ? day.slice(0, 4) : UNDATED;
    if (years.at(-1)?.label !== label) years.push({ label, first });
  });
  return years;
}
