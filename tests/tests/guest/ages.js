// Arguments: a tile, and for how long, in milliseconds. How old each picture is when it is presented, by its
// time code; `unreadable` counts those without a clear one.
const [tile, duration] = arguments;
const video = document.querySelector(`${tile} video`);
const strip = document.createElement("canvas");
const context = strip.getContext("2d", { willReadFrequently: true });
const taken = () => {
  const width = video.videoWidth;
  const side = Math.floor(width / 80);
  if (side < 2) return null;
  if (strip.width !== width) [strip.width, strip.height] = [width, side];
  context.drawImage(video, 0, 0, width, side, 0, 0, width, side);
  const { data } = context.getImageData(0, Math.floor(side / 2), width, 1);
  let time = 0;
  for (let cell = 47; cell >= 0; cell--) {
    const luma = data[4 * Math.floor(((2 * cell + 1) * width) / 160) + 1];
    if (luma > 90 && luma < 165) return null;
    time = 2 * time + (luma >= 165 ? 1 : 0);
  }
  return time;
};
return new Promise((resolve) => {
  const ages = [];
  let unreadable = 0;
  const end = performance.now() + duration;
  const look = () => {
    const now = Date.now();
    const age = now - (taken() ?? 0);
    if (Math.abs(age) < 10_000) ages.push(age);
    else unreadable += 1;
    if (performance.now() < end) return video.requestVideoFrameCallback(look);
    resolve({ ages, unreadable, size: `${video.videoWidth}x${video.videoHeight}` });
  };
  video.requestVideoFrameCallback(look);
});
