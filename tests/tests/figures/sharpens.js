// Arguments: a picture of a page as a data URL, the time on the picture that is waited for, the least likeness of every
// square in dB, and the longest wait in milliseconds. When the picture came and when it was sharp, after the time on it,
// and both as PNGs twice as large.
const [url, taken, enough, limit] = arguments;
const SIDE = 32;
const video = document.querySelector(".share video");
const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", { willReadFrequently: true });
const luma = (data, at) => 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
const strip = Math.floor(video.videoWidth / 80);
const pixels = () => context.getImageData(0, 0, canvas.width, canvas.height).data;
const time = (data) => {
  let time = 0;
  for (let cell = 47; cell >= 0; cell--) {
    const column = Math.floor(((2 * cell + 1) * canvas.width) / 160);
    time = 2 * time + (data[4 * (Math.floor(strip / 2) * canvas.width + column) + 1] >= 128 ? 1 : 0);
  }
  return time;
};
const worst = (data, expected) => {
  let most = 0;
  for (let top = strip; top < canvas.height; top += SIDE) {
    const bottom = Math.min(top + SIDE, canvas.height);
    for (let left = 0; left < canvas.width; left += SIDE) {
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < Math.min(left + SIDE, canvas.width); x++) {
          const at = 4 * (y * canvas.width + x);
          sum += ((219 / 255) * (luma(data, at) - luma(expected, at))) ** 2;
        }
      }
      most = Math.max(most, sum);
    }
  }
  return 10 * Math.log10(65025 / Math.max(most / SIDE ** 2, 1e-3));
};
const png = () => {
  const large = document.createElement("canvas");
  Object.assign(large, { width: 2 * canvas.width, height: 2 * canvas.height });
  large.getContext("2d").drawImage(canvas, 0, 0, large.width, large.height);
  return large.toDataURL("image/png");
};
return new Promise((resolve) => {
  const page = new Image();
  page.onload = () => {
    Object.assign(canvas, { width: 1920, height: 1080 });
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(page, 0, 0);
    const expected = pixels();
    const found = { first: null, firstPng: null, sharp: null, sharpPng: null, best: 0 };
    const look = () => {
      const now = Date.now();
      if (now - taken < limit) video.requestVideoFrameCallback(look);
      if (video.videoWidth !== 1920 || found.sharp !== null) return;
      context.drawImage(video, 0, 0);
      const data = pixels();
      if (time(data) !== taken) return;
      if (found.first === null) {
        found.first = now - taken;
        found.firstPng = png();
      }
      const likeness = worst(data, expected);
      found.best = Math.max(found.best, likeness);
      if (likeness < enough) return;
      found.sharp = now - taken;
      found.sharpPng = png();
      resolve(found);
    };
    setTimeout(() => {
      found.firstPng ??= png();
      found.sharpPng ??= png();
      resolve(found);
    }, limit - (Date.now() - taken));
    look();
  };
  page.src = url;
});
