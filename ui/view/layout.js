// @ts-check
// Where the tiles go. Pure: sizes in, rectangles out, all in CSS pixels.

/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

/** Width to height of a tile. */
export const TILE_ASPECT = 16 / 9;

/** The narrowest tile in a box that is higher than wide, as a phone held upright is: pictures are cut at the sides. */
export const NARROWEST_ASPECT = 1;

/** @param {number} width @param {number} height of the box */
const isUpright = (width, height) => height > width;

/**
 * The largest tile of an allowed shape in a cell.
 * @param {number} width @param {number} height of the cell
 * @param {number} narrowest
 */
function fit(width, height, narrowest) {
  const aspect = Math.min(TILE_ASPECT, Math.max(narrowest, width / height));
  return width / height > aspect
    ? { width: height * aspect, height }
    : { width, height: width / aspect };
}

/**
 * The grid of `count` equal tiles in which a tile is as large as possible; rows are centred, also the last
 * one when it is not full. Tiles are 16:9, in a box that is higher than wide down to square.
 * @param {number} count
 * @param {number} width @param {number} height of the box
 * @param {number} gap between tiles
 * @returns {Rect[]}
 */
export function gridLayout(count, width, height, gap) {
  if (count <= 0 || width <= 0 || height <= 0) return [];
  const narrowest = isUpright(width, height) ? NARROWEST_ASPECT : TILE_ASPECT;
  let best = { columns: 1, rows: count, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const cell = { width: (width - gap * (columns - 1)) / columns, height: (height - gap * (rows - 1)) / rows };
    if (cell.width <= 0 || cell.height <= 0) continue;
    const tile = fit(cell.width, cell.height, narrowest);
    if (tile.width * tile.height > best.width * best.height) best = { columns, rows, ...tile };
  }
  const tileWidth = Math.floor(best.width);
  const tileHeight = Math.floor(best.height);
  const top = (height - best.rows * tileHeight - gap * (best.rows - 1)) / 2;
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / best.columns);
    const inRow = Math.min(best.columns, count - row * best.columns);
    const left = (width - inRow * tileWidth - gap * (inRow - 1)) / 2;
    return {
      x: Math.round(left + (index - row * best.columns) * (tileWidth + gap)),
      y: Math.round(top + row * (tileHeight + gap)),
      width: tileWidth,
      height: tileHeight,
    };
  });
}

/**
 * The own picture in the lower right corner, over the only other participant: upright where the box is.
 * @param {number} width @param {number} height of the box
 * @param {number} margin from the edges
 * @param {boolean} upright
 * @returns {Rect}
 */
export function cornerLayout(width, height, margin, upright) {
  const tileWidth = upright
    ? Math.round(Math.min(108, width * 0.28))
    : Math.round(Math.min(260, Math.max(132, width * 0.22), width / 2));
  const tileHeight = Math.round(upright ? (tileWidth * 4) / 3 : tileWidth / TILE_ASPECT);
  return {
    x: width - tileWidth - margin,
    y: height - tileHeight - margin,
    width: tileWidth,
    height: tileHeight,
  };
}

/**
 * Everybody's place: alone, the own tile fills the box; with one other, it sits in the corner; with
 * more, it is the last tile of the grid.
 * @param {number} peers
 * @param {number} width @param {number} height of the box
 * @param {number} gap
 * @returns {{ peers: Rect[], self: Rect | undefined, corner: boolean }}
 */
export function stageLayout(peers, width, height, gap) {
  if (peers === 1) {
    const grid = gridLayout(1, width, height, gap);
    const tile = grid[0];
    if (!tile) return { peers: [], self: undefined, corner: true };
    // In the corner of the picture, not of the box around it.
    const corner = cornerLayout(tile.width, tile.height, gap + 4, isUpright(width, height));
    return { peers: grid, self: { ...corner, x: tile.x + corner.x, y: tile.y + corner.y }, corner: true };
  }
  const grid = gridLayout(peers + 1, width, height, gap);
  return { peers: grid.slice(0, peers), self: grid[peers], corner: false };
}

/** The bar above a shared screen, in CSS pixels; the same as in style/share.css. */
export const SHARE_BAR = 44;

/**
 * How large a picture of this shape is in a box.
 * @param {number} aspect @param {number} width @param {number} height of the box
 */
function areaOf(aspect, width, height) {
  const fitting = Math.min(width, height * aspect);
  return (fitting * fitting) / aspect;
}

/**
 * A shared screen on the stage, with everybody in a strip beside or below it, wherever the screen is larger. The
 * strip gets what the screen leaves, within bounds.
 * @param {number} tiles
 * @param {number} aspect width to height of the screen
 * @param {number} width @param {number} height of the box
 * @param {number} gap
 * @returns {{ share: Rect, tiles: Rect[] }}
 */
export function shareLayout(tiles, aspect, width, height, gap) {
  /** @param {number} left @param {number} all @param {number} least */
  const strip = (left, all, least) => Math.round(Math.min(Math.max(left, least, all * 0.16), all * 0.4));
  const beside = strip(width - (height - SHARE_BAR) * aspect - gap, width, 120);
  const below = strip(height - SHARE_BAR - width / aspect - gap, height, 84);
  const [shareWidth, shareHeight] = [width - beside - gap, height - below - gap];
  if (shareWidth <= 0 || shareHeight <= SHARE_BAR) return { share: { x: 0, y: 0, width, height }, tiles: [] };
  const isBeside =
    areaOf(aspect, shareWidth, height - SHARE_BAR) >= areaOf(aspect, width, shareHeight - SHARE_BAR);
  const share = isBeside ? { width: shareWidth, height } : { width, height: shareHeight };
  const [x, y] = isBeside ? [shareWidth + gap, 0] : [0, shareHeight + gap];
  const grid = gridLayout(tiles, width - x, height - y, gap);
  return {
    share: { x: 0, y: 0, ...share },
    tiles: grid.map((tile) => ({ ...tile, x: tile.x + x, y: tile.y + y })),
  };
}
