import assert from "node:assert/strict";
import { test } from "node:test";
import { cornerLayout, gridLayout, NARROWEST_ASPECT, SHARE_BAR, shareLayout, stageLayout, TILE_ASPECT } from "../view/layout.js";

const GAP = 10;
const BOXES = [
  [1100, 632], [700, 400], [400, 700], [1920, 1000], [320, 240], [2560, 500], [344, 620], [624, 290],
];

const narrowest = (width, height) => (height > width ? NARROWEST_ASPECT : TILE_ASPECT);

const overlap = (a, b) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

test("Every tile lies inside the box, is 16:9 (in a tall box down to square) to the pixel, and overlaps no other", () => {
  for (const [width, height] of BOXES) {
    for (let count = 1; count <= 16; count++) {
      const tiles = gridLayout(count, width, height, GAP);
      assert.equal(tiles.length, count);
      for (const [index, tile] of tiles.entries()) {
        assert.ok(tile.x >= 0 && tile.y >= 0, `${count} in ${width}×${height}`);
        assert.ok(tile.x + tile.width <= width + 1 && tile.y + tile.height <= height + 1);
        assert.ok(tile.width - tile.height * TILE_ASPECT < 2);
        assert.ok(tile.width - tile.height * narrowest(width, height) > -2);
        for (const other of tiles.slice(index + 1)) assert.ok(!overlap(tile, other));
      }
    }
  }
});

test("No other number of columns would give larger tiles", () => {
  for (const [width, height] of BOXES) {
    for (let count = 1; count <= 16; count++) {
      const [tile] = gridLayout(count, width, height, GAP);
      for (let columns = 1; columns <= count; columns++) {
        const rows = Math.ceil(count / columns);
        const cell = [(width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows];
        const otherWidth = Math.min(cell[0], cell[1] * TILE_ASPECT);
        const otherHeight = Math.min(cell[1], cell[0] / narrowest(width, height));
        assert.ok(
          (tile.width + 1) * (tile.height + 1) >= otherWidth * otherHeight,
          `${count} in ${width}×${height}, ${columns} columns`,
        );
      }
    }
  }
});

test("On a phone two people share an upright screen in squares, and nine still have tiles of a good size", () => {
  const [one] = gridLayout(1, 344, 620, GAP);
  assert.deepEqual([one.width, one.height], [344, 344]);
  for (const tile of gridLayout(9, 344, 620, GAP)) assert.ok(tile.width >= 160 && tile.height >= 110);
  for (const tile of gridLayout(9, 624, 290, GAP)) assert.ok(tile.width >= 150);
});

test("A wide box puts tiles beside each other and a tall one on top of each other", () => {
  const [a, b] = gridLayout(2, 1600, 450, GAP);
  assert.equal(a.y, b.y);
  const [c, d] = gridLayout(2, 450, 1600, GAP);
  assert.equal(c.x, d.x);
});

test("A last row that is not full is centred, to the pixel", () => {
  const [first, , last] = gridLayout(3, 1100, 632, GAP);
  assert.ok(last.x > first.x);
  assert.ok(Math.abs(last.x + last.width / 2 - 550) <= 1);
});

test("A box without room holds no tiles", () => {
  assert.deepEqual(gridLayout(3, 0, 500, GAP), []);
  assert.deepEqual(gridLayout(0, 500, 500, GAP), []);
});

test("The own tile fills the stage alone, sits in the other's corner, and joins the grid with more", () => {
  const alone = stageLayout(0, 1100, 632, GAP);
  assert.equal(alone.peers.length, 0);
  assert.ok(alone.self.width > 1000 && !alone.corner);

  const two = stageLayout(1, 1100, 632, GAP);
  assert.ok(two.corner && two.self.width < 300);
  const [peer] = two.peers;
  assert.ok(two.self.x + two.self.width < peer.x + peer.width);
  assert.ok(two.self.y + two.self.height < peer.y + peer.height);

  const nine = stageLayout(8, 1100, 632, GAP);
  assert.equal(nine.peers.length, 8);
  assert.equal(nine.self.width, nine.peers[0].width);
  assert.ok(!nine.corner);
});

test("The corner tile never takes more than half of a small box", () => {
  const { width, x } = cornerLayout(200, 112, 8, false);
  assert.ok(width <= 100 && x >= 0);
});

test("A shared screen and everybody's tiles lie inside the stage and beside each other, for every shape and number", () => {
  for (const [width, height] of BOXES) {
    for (const aspect of [16 / 9, 4 / 3, 21 / 9, 9 / 16]) {
      for (let count = 1; count <= 16; count++) {
        const { share, tiles } = shareLayout(count, aspect, width, height, GAP);
        assert.equal(tiles.length, count);
        for (const [index, tile] of [share, ...tiles].entries()) {
          assert.ok(tile.x >= 0 && tile.y >= 0 && tile.width > 0 && tile.height > 0, `${count} in ${width}×${height}`);
          assert.ok(tile.x + tile.width <= width + 1 && tile.y + tile.height <= height + 1);
          for (const other of [share, ...tiles].slice(index + 1)) assert.ok(!overlap(tile, other));
        }
      }
    }
  }
});

test("The strip is beside the screen in a wide stage and below it in a tall one", () => {
  const wide = shareLayout(3, 16 / 9, 1100, 632, GAP);
  assert.equal(wide.share.height, 632);
  assert.ok(wide.tiles.every(({ x }) => x >= wide.share.width));
  const tall = shareLayout(3, 16 / 9, 344, 620, GAP);
  assert.equal(tall.share.width, 344);
  assert.ok(tall.tiles.every(({ y }) => y >= tall.share.height));
});

test("The screen gets most of the stage, and the strip what the screen leaves", () => {
  const { share, tiles } = shareLayout(2, 16 / 9, 1100, 632, GAP);
  assert.ok(share.width >= 0.75 * 1100);
  assert.ok(tiles[0].width >= 120);
  // A narrow window that is shared leaves more beside it.
  const narrow = shareLayout(2, 3 / 4, 1100, 632, GAP);
  assert.ok(narrow.share.width < share.width && narrow.tiles[0].width > tiles[0].width);
  assert.ok(narrow.share.width >= (632 - SHARE_BAR) * (3 / 4), "and is as large as the stage is high");
});

test("In a stage without room there is only the screen", () => {
  assert.deepEqual(shareLayout(2, 16 / 9, 0, 0, GAP).tiles, []);
});
