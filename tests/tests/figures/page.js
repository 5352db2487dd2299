// Arguments: a picture of a page as a data URL, and a screen's width and height in pixels. What the browser would have
// the person choose from becomes a canvas that shows a part of the page, with the time on it.
const [url, width, height] = arguments;
const page = new Image();
const canvas = document.createElement("canvas");
Object.assign(canvas, { width, height });
const context = canvas.getContext("2d");
const show = (top) => {
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.drawImage(page, 0, -top);
  const now = Date.now();
  const side = Math.floor(width / 80);
  for (let cell = 0; cell < 48; cell++) {
    const edge = (at) => Math.floor((at * width) / 80);
    context.fillStyle = Math.floor(now / 2 ** cell) % 2 === 1 ? "#ffffff" : "#000000";
    context.fillRect(edge(cell), 0, edge(cell + 1) - edge(cell), side);
  }
  return now;
};
let timer = 0;
const scroll = (fps, pixels) => {
  clearInterval(timer);
  let number = 0;
  if (fps) timer = setInterval(() => show(((++number * pixels) / fps) % (page.height - height)), 1000 / fps);
};
navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(30);
window.maruTestPage = { show, scroll };
return new Promise((resolve) => {
  page.onload = () => resolve(show(0));
  page.src = url;
});
