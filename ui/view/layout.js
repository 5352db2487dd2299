// @ts-check
// Where the tiles go. Pure: sizes in, rectangles out, all in CSS pixels.

/** @typedef {{ x: number, y: number, width: number, height: number }} Rect */

export const TILE_ASPECT = 16 / 9;

/**
 * The grid of `count` equal 16:9 tiles in which a tile is as large as possible; rows are centred,
 * also the last one when it is not full.
 * @param {number} count
 * @param {number} width @param {number} height of the box
 * @param {number} gap between tiles
 * @returns {Rect[]}
 */
export function gridLayout(count, width, height, gap) {
  if (count <= 0 || width <= 0 || height <= 0) return [];
  let best = { columns: 1, rows: count, tile: 0 };
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gap * (columns - 1)) / columns;
    const byHeight = ((height - gap * (rows - 1)) / rows) * TILE_ASPECT;
    const tile = Math.min(byWidth, byHeight);
    if (tile > best.tile) best = { columns, rows, tile };
  }
  const tileWidth = Math.floor(best.tile);
  const tileHeight = Math.floor(best.tile / TILE_ASPECT);
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
 * The own picture in the lower right corner, over the only other participant.
 * @param {number} width @param {number} height of the box
 * @param {number} margin from the edges
 * @returns {Rect}
 */
export function cornerLayout(width, height, margin) {
  const tileWidth = Math.round(Math.min(260, Math.max(132, width * 0.22), width / 2));
  const tileHeight = Math.round(tileWidth / TILE_ASPECT);
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
    const corner = cornerLayout(tile.width, tile.height, gap + 4);
    return { peers: grid, self: { ...corner, x: tile.x + corner.x, y: tile.y + corner.y }, corner: true };
  }
  const grid = gridLayout(peers + 1, width, height, gap);
  return { peers: grid.slice(0, peers), self: grid[peers], corner: false };
}
