// Arguments: width and height in pixels. The time code is the one of `maru_media::video::timecode`.
const [width, height] = arguments;
const made = (window.maruTestCamera ??= { canvas: document.createElement("canvas"), number: 0 });
made.canvas.width = width;
made.canvas.height = height;
if (made.context) return;
made.context = made.canvas.getContext("2d");
const paint = () => {
  const { canvas, context } = made;
  const side = Math.floor(canvas.width / 80);
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "#e0e0e0";
  context.fillRect((++made.number * 4) % canvas.width, side * 2, 32, canvas.height);
  const now = Date.now();
  for (let cell = 0; cell < 48; cell++) {
    const edge = (at) => Math.floor((at * canvas.width) / 80);
    context.fillStyle = Math.floor(now / 2 ** cell) % 2 === 1 ? "#ffffff" : "#000000";
    context.fillRect(edge(cell), 0, edge(cell + 1) - edge(cell), side);
  }
};
paint();
setInterval(paint, 33);
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = new MediaStream();
  if (wanted.audio) stream.addTrack((await open({ audio: wanted.audio })).getAudioTracks()[0]);
  if (wanted.video) stream.addTrack(made.canvas.captureStream(30).getVideoTracks()[0]);
  return stream;
};
