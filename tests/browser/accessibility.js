// What an assistive program would stumble over on this page, as sentences.
() => {
  const found = [];
  const shown = (element) => {
    const style = getComputedStyle(element);
    return element.getClientRects().length > 0 && style.visibility !== "hidden";
  };
  const nameOf = (element) =>
    (element.getAttribute("aria-label") ||
      (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ").trim() ||
      [...(element.labels || [])].map((label) => label.textContent).join(" ").trim() ||
      (element.matches("button, a, summary, th, legend, caption") ? element.textContent.trim() : "") ||
      element.getAttribute("title") || "").trim();
  const where = (element) => element.outerHTML.slice(0, 90);

  if (!document.documentElement.lang) found.push("the page has no language");
  if (!document.title.trim()) found.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) found.push("there is not one main part");
  if (document.querySelectorAll("h1").length !== 1) found.push("there is not one first heading");

  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) found.push(`a heading skips a level: ${where(heading)}`);
    if (!heading.textContent.trim()) found.push(`an empty heading: ${where(heading)}`);
    level = here;
  }
  const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
  for (const id of ids.filter((each, at) => ids.indexOf(each) !== at)) found.push(`two elements are called ${id}`);
  for (const control of document.querySelectorAll("input:not([type=hidden]), select, textarea, button, a[href], progress, [role=img], [role=region], nav, table.things")) {
    if (control.matches("table.things")) {
      if (!control.querySelector("thead th")) found.push(`a table without heads: ${where(control)}`);
    } else if (!nameOf(control) && !control.closest("[aria-hidden=true]")) {
      found.push(`no name: ${where(control)}`);
    }
  }
  for (const each of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const named = `${each.getAttribute("aria-describedby") || ""} ${each.getAttribute("aria-labelledby") || ""}`;
    for (const id of named.split(" ").filter(Boolean)) {
      if (!document.getElementById(id)) found.push(`${id} does not exist, but ${where(each)} names it`);
    }
  }
  for (const svg of document.querySelectorAll("svg")) {
    if (svg.getAttribute("aria-hidden") !== "true" && svg.getAttribute("role") !== "img") found.push(`a drawing without a role: ${where(svg)}`);
  }
  for (const list of document.querySelectorAll("ul, ol")) {
    if ([...list.children].some((each) => each.tagName !== "LI")) found.push(`a list holds what is no item: ${where(list)}`);
  }
  for (const each of document.querySelectorAll("[tabindex]")) {
    if (Number(each.getAttribute("tabindex")) > 0) found.push(`an order of its own: ${where(each)}`);
  }

  // Contrast (WCAG 2.2, 1.4.3): 4.5 to 1, or 3 to 1 for large text.
  const channels = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const luminance = ([red, green, blue]) => {
    const [r, g, b] = [red, green, blue].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const said = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !shown(element) || element.closest("option, script, :disabled")) continue;
    const style = getComputedStyle(element);
    const [one, two] = [luminance(channels(style.color)), luminance(ground(element))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const wanted = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const ratio = (one + 0.05) / (two + 0.05);
    const key = `${style.color} ${ground(element)}`;
    if (ratio < wanted && !said.has(key)) {
      said.add(key);
      found.push(`contrast ${ratio.toFixed(2)} of ${style.color}: ${where(element)}`);
    }
  }
  return found;
}
