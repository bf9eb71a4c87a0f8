// What holds of a report in a browser. Started by report_browser.sh, beside the pages that it wrote.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const folder = dirname(fileURLToPath(import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Each page, and how many there are of what.
const PAGES = {
  resnet50: { runs: 8, dots: 54, bars: 0, roofs: 0, figures: ["roofline", "memory", "passes"], rows: 174 },
  seresnet50: { runs: 8, dots: 86, bars: 0, roofs: 0, figures: ["roofline", "memory", "passes"], rows: 270 },
  resnext: { runs: 8, dots: 54, bars: 0, roofs: 0, figures: ["roofline", "memory", "passes"], rows: 174 },
  cifar_resnet: { runs: 5, dots: 20, bars: 23, roofs: 1, figures: ["roofline", "times", "memory", "passes"], rows: 70 },
  plain: {
    runs: 14, dots: 36, bars: 0, roofs: 0, rows: 65,
    figures: ["roofline", "roofline", "memory", "memory", "passes", "passes"],
  },
  int8: {
    runs: 10, dots: 40, bars: 23 + 2 * 23, roofs: 2, rows: 70,
    figures: ["times-against", "roofline", "roofline", "times", "memory", "memory", "passes", "passes"],
  },
};
const WIDTHS = [360, 1000];
const SCHEMES = ["light", "dark"];

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
});
after(() => browser?.close());

// Opens a page and holds, when all is done, that it asked for nothing and complained of nothing.
async function open(name, { width = 1000, scheme = "light" }, look) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme });
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => requests.push(request.url()));
  const url = pathToFileURL(join(folder, `${name}.html`)).href;
  await page.goto(url);
  await look(page);
  assert.deepEqual(complaints, [], "the console is empty");
  assert.deepEqual(requests.filter((request) => request !== url && !request.startsWith("data:")), []);
  await context.close();
}

const unfold = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));

for (const [name, wanted] of Object.entries(PAGES)) {
  test(`${name} shows all that there is`, () =>
    open(name, {}, async (page) => {
      const count = (css) => page.locator(css).count();
      assert.equal(await count("details.run"), wanted.runs);
      assert.equal(await count(".dot"), wanted.dots);
      assert.equal(await count(".roof"), wanted.roofs);
      assert.equal(await count("svg > .bar"), wanted.bars);
      assert.equal(await count("#layers tbody tr"), wanted.rows);
      const figures = await page.locator("[data-figure]").evaluateAll((all) => all.map((f) => f.dataset.figure));
      assert.deepEqual(figures, wanted.figures);
      const untold = await page.locator("svg").evaluateAll(
        (all) => all.filter((svg) => svg.getAttribute("role") !== "img" || !svg.getAttribute("aria-label")
          || !svg.querySelector(":scope > title")?.textContent || !svg.querySelector(":scope > desc")?.textContent).length,
      );
      assert.equal(untold, 0, "every picture has a title and a description");
    }));

  for (const scheme of SCHEMES) {
    for (const width of WIDTHS) {
      test(`${name} fits and is accessible, ${scheme}, ${width} px`, () =>
        open(name, { width, scheme }, async (page) => {
          const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          assert.equal(await overflow(), 0, "folded");
          await unfold(page);
          assert.equal(await overflow(), 0, "unfolded");
          // Each width and each scheme once: it takes its time.
          if ((scheme === "light") !== (width === 360)) return;
          await page.evaluate(axe);
          const { violations } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
          const told = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120))}`);
          assert.deepEqual(told, []);
        }));
    }

    test(`${name} has pictures that can be read, ${scheme}`, () =>
      open(name, { scheme }, async (page) => {
        await unfold(page);
        // elementsFromPoint sees no further than the window.
        const height = await page.evaluate(() => document.documentElement.scrollHeight);
        await page.setViewportSize({ width: 1000, height });
        const { read, faint } = await page.evaluate(contrasts);
        assert.ok(read > 50, `${read} texts were looked at`);
        assert.deepEqual(faint, []);
        assert.deepEqual(await page.evaluate(beyond), [], "titles are within their boxes");
      }));
  }
}

// The texts of all pictures against what lies below them: how many there are, and those below 4.5 to 1.
function contrasts() {
  const parse = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const over = (top, a, below) => top.map((value, i) => a * value + (1 - a) * below[i]);
  const paper = parse(getComputedStyle(document.body).backgroundColor).rgb;
  const ground = (text, x, y) => {
    const stack = document.elementsFromPoint(x, y).filter((e) => e instanceof SVGGeometryElement);
    return stack.reverse().reduce((below, shape) => {
      const { fill, fillOpacity } = getComputedStyle(shape);
      if (!fill.startsWith("rgb")) return below;
      const { rgb, a } = parse(fill);
      return over(rgb, a * Number(fillOpacity), below);
    }, paper);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  let read = 0;
  for (const text of document.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect();
    if (box.width === 0) continue;
    const { fill } = getComputedStyle(text);
    const below = ground(text, box.x + box.width / 2, box.y + box.height / 2);
    const [dark, light] = [luminance(parse(fill).rgb), luminance(below)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    read += 1;
    if (ratio < 4.5) faint.push(`${text.textContent}: ${ratio.toFixed(2)}, ${fill} on ${below.map(Math.round)}`);
  }
  return { read, faint };
}

// The titles of layers that reach past the boxes that they stand in.
function beyond() {
  const boxed = (x, y) => document.elementsFromPoint(x, y).some((e) => e.matches("rect.layer"));
  const reaches = (text) => {
    const { left, right, top, height } = text.getBoundingClientRect();
    return right > left && !(boxed(left, top + height / 2) && boxed(right, top + height / 2));
  };
  return [...document.querySelectorAll(".networks .label")].filter(reaches).map((text) => text.textContent);
}

test("a block unfolds on click, and shows its layers", () =>
  open("resnet50", {}, async (page) => {
    const run = page.locator("details.run").first();
    const layers = run.locator(".layers svg");
    assert.equal(await layers.isVisible(), false);
    await run.locator("summary").click();
    assert.equal(await layers.isVisible(), true);
    assert.equal(await layers.locator(".conv").count(), 4, "three convolutions and a projection");
    await run.locator("summary").click();
    assert.equal(await layers.isVisible(), false);
  }));

test("the keyboard reaches blocks, and unfolds them with what has the focus in sight", () =>
  open("resnet50", {}, async (page) => {
    const focused = () => page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      const parent = document.activeElement.parentElement;
      return { run: parent?.matches("details.run") ?? false, open: parent?.open, outlineStyle, width: parseFloat(outlineWidth) };
    });
    let at;
    for (let tabs = 0; tabs < 30 && !at?.run; tabs += 1) {
      await page.keyboard.press("Tab");
      at = await focused();
      assert.ok(at.outlineStyle !== "none" && at.width >= 2, "the focus is seen");
    }
    assert.equal(at.run, true, "a block is reached");
    assert.equal(at.open, false);
    await page.keyboard.press("Enter");
    assert.equal((await focused()).open, true);
    await page.keyboard.press("Space");
    assert.equal((await focused()).open, false);
  }));

test("all blocks unfold at once", () =>
  open("plain", {}, async (page) => {
    const button = page.locator("#unfold");
    await button.click();
    assert.equal(await page.locator("details.run[open]").count(), PAGES.plain.runs);
    assert.equal(await button.getAttribute("aria-pressed"), "true");
    await button.click();
    assert.equal(await page.locator("details.run[open]").count(), 0);
  }));

test("a table is sorted by the column that is chosen", () =>
  open("resnet50", {}, async (page) => {
    const head = page.locator("#layers th", { hasText: "parameters" });
    const first = () => page.locator("#layers tbody th").first().textContent();
    await head.locator("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "ascending");
    await head.locator("button").click();
    assert.equal(await head.getAttribute("aria-sort"), "descending");
    // 3 * 3 * 512 * 512, the most, is a tie: the order before is kept.
    assert.equal(await first(), "layer4.0.conv2");
    await page.locator("#layers th", { hasText: "layer" }).first().locator("button").click();
    assert.equal(await first(), "avgpool");
  }));

test("in print a page is light and fits, whatever the screen is", () =>
  open("int8", { width: 700, scheme: "dark" }, async (page) => {
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const look = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - window.innerWidth,
      paper: getComputedStyle(document.body).backgroundColor,
      text: getComputedStyle(document.querySelector("svg text.label")).fill,
    }));
    assert.deepEqual(look, { overflow: 0, paper: "rgb(255, 255, 255)", text: "rgb(35, 36, 31)" });
  }));
