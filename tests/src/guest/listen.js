// Arguments: a peer's id. The strongest pitch in Hz of what comes from it; 0 for silence, null for nothing.
const [peer] = arguments;
const stream = document.querySelector(`audio[data-sound="${peer}"]`)?.srcObject;
if (!stream) return null;
const ear = (window.maruTestEar ??= { context: new AudioContext() });
if (ear.stream !== stream) {
  ear.stream = stream;
  ear.analyser = ear.context.createAnalyser();
  ear.analyser.fftSize = 16384;
  ear.context.createMediaStreamSource(stream).connect(ear.analyser);
}
void ear.context.resume();
const bins = new Float32Array(ear.analyser.frequencyBinCount);
ear.analyser.getFloatFrequencyData(bins);
const loudest = bins.indexOf(Math.max(...bins));
return bins[loudest] > -60 ? (loudest * ear.context.sampleRate) / ear.analyser.fftSize : 0;
