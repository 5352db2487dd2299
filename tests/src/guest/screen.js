// Arguments: width and height in pixels. What the browser would have the person choose from becomes a canvas with a
// time code in it; `window.maruTestScreen.end()` ends it as the browser's own bar does.
const [width, height] = arguments;
const canvas = document.createElement("canvas");
Object.assign(canvas, { width, height });
const context = canvas.getContext("2d");
const paint = () => {
  const side = Math.floor(width / 80);
  context.fillStyle = "#f4f4f4";
  context.fillRect(0, 0, width, height);
  context.fillStyle = "#101010";
  context.font = "24px monospace";
  for (let line = 3; line * 30 < height; line++) context.fillText(`line ${line}: sphinx of black quartz`, 30, line * 30);
  const now = Date.now();
  for (let cell = 0; cell < 48; cell++) {
    const edge = (at) => Math.floor((at * width) / 80);
    context.fillStyle = Math.floor(now / 2 ** cell) % 2 === 1 ? "#ffffff" : "#000000";
    context.fillRect(edge(cell), 0, edge(cell + 1) - edge(cell), side);
  }
};
paint();
setInterval(paint, 66);
navigator.mediaDevices.getDisplayMedia = async () => {
  const stream = canvas.captureStream(15);
  const [track] = stream.getVideoTracks();
  window.maruTestScreen = {
    end: () => {
      track.stop();
      track.dispatchEvent(new Event("ended"));
    },
  };
  return stream;
};
