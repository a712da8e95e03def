// Two short tones, for ears behind protectors: rising for done, falling twice for refused.

let context = null;

export function sound(good) {
  try {
    context ??= new AudioContext();
    const tones = good ? [660, 990] : [330, 220, 330, 220];
    tones.forEach((pitch, at) => tone(pitch, context.currentTime + at * 0.14));
  } catch {
    // A kiosk without a sound card still has its colour, shape and words.
  }
}

function tone(pitch, at) {
  const voice = context.createOscillator();
  const volume = context.createGain();
  voice.type = "square";
  voice.frequency.value = pitch;
  volume.gain.setValueAtTime(0.2, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + 0.13);
  voice.connect(volume).connect(context.destination);
  voice.start(at);
  voice.stop(at + 0.14);
}
