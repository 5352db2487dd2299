// Arguments: PNG files in base64, how wide each is shown, how many in a row. Gives one WebP in base64.
const [files, width, columns] = arguments;
const GAP = 12;
return (async () => {
  const pictures = await Promise.all(files.map(async (file) => {
    const picture = new Image();
    picture.src = `data:image/png;base64,${file}`;
    await picture.decode();
    return picture;
  }));
  const height = Math.round((pictures[0].height * width) / pictures[0].width);
  const rows = Math.ceil(pictures.length / columns);
  const canvas = document.createElement("canvas");
  canvas.width = columns * width + (columns + 1) * GAP;
  canvas.height = rows * height + (rows + 1) * GAP;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#8d877f";
  context.fillRect(0, 0, canvas.width, canvas.height);
  pictures.forEach((picture, index) => {
    const x = GAP + (index % columns) * (width + GAP);
    const y = GAP + Math.floor(index / columns) * (height + GAP);
    context.drawImage(picture, x, y, width, height);
  });
  return canvas.toDataURL("image/webp", 0.72).split(",")[1];
})();
