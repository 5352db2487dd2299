// @ts-check
// Every text of the UI in Korean, in the polite informal style (해요체). Where a particle would depend on how
// a name ends, the sentence puts a word of its own after the name (“님”, “방”, “서버”, “카메라”).

import { bytesIn } from "../view/amount.js";

/** @typedef {import("./dictionary").Notices} Notices */

/** @param {number} amount */
const bytes = (amount) => bytesIn("ko", amount);

/**
 * All three end in a vowel, so 가, 를, 로 and 는 fit each of them.
 * @type {Record<import("../types/media").DeviceKind, string>}
 */
const DEVICE = { camera: "카메라", microphone: "마이크", speaker: "스피커" };

/** @param {string} name */
const systemDefault = (name) => (name === "" ? "시스템 기본 장치" : `시스템 기본 장치(${name})`);

/** @type {Record<import("../types/media").DeviceKind, string>} */
const PRIVACY = { camera: "카메라", microphone: "마이크", speaker: "마이크" };

/**
 * @param {import("../types/media").System} system
 * @param {import("../types/media").DeviceKind} kind
 */
function allow(system, kind) {
  switch (system) {
    case "macos":
      return `시스템 설정 → 개인정보 보호 및 보안 → ${PRIVACY[kind]}에서 Maru를 켜고, Maru를 다시 시작해 주세요.`;
    case "windows":
      return (
        `설정 → 개인 정보 및 보안 → ${PRIVACY[kind]}에서 “${PRIVACY[kind]} 액세스”와 “데스크톱 앱이 ${PRIVACY[kind]}에 ` +
        "액세스하도록 허용”을 켜 주세요."
      );
    default:
      return (
        `쓰시는 계정을 “${kind === "camera" ? "video" : "audio"}” 그룹에 넣어야 할 수도 있어요. 넣은 뒤에는 로그아웃하고 ` +
        "다시 로그인해 주세요."
      );
  }
}

/** @type {Record<import("../types/engine").NameField, string>} */
const NAME = { room: "방 이름", display: "내 이름" };

/** @type {Record<import("../types/protocol").ErrorCode, string>} */
const REFUSALS = {
  malformed: "서버가 이 앱의 말을 알아듣지 못해요. 계속 그러면 Maru를 업데이트해 주세요.",
  message_too_large: "메시지가 너무 커서 서버가 받지 않았어요. 계속 그러면 Maru를 업데이트해 주세요.",
  too_many_messages: "한꺼번에 너무 많이 보내서 서버가 일부를 버렸어요. 잠시 기다려 주세요.",
  too_many_connections:
    "지금 계신 네트워크에서 이 서버에 연결이 너무 많아요. 하나를 끊거나 나중에 다시 해 주세요.",
  too_many_joins: "지금 계신 네트워크에서 짧은 시간에 너무 많이 들어왔어요. 잠시 후 다시 해 주세요.",
  overloaded: "지금 서버가 가득 찼어요. 잠시 후 다시 해 주세요.",
  unsupported_version: "서버와 이 앱의 버전이 너무 달라요. 양쪽 Maru를 같은 버전으로 업데이트해 주세요.",
  bad_room_name: "서버가 이 방 이름을 받지 않아요. 다른 이름을 써 주세요.",
  bad_display_name: "서버가 이 이름을 받지 않아요. 다른 이름을 써 주세요.",
  room_full: "방이 가득 찼어요. 누가 나갈 때까지 기다리거나 다른 방을 써 주세요.",
  not_joined: "서버가 이 방에 계신 것을 더는 알지 못해요. 다시 들어와 주세요.",
  already_joined: "이미 방에 들어와 있어요. 먼저 그 방에서 나가 주세요.",
  no_such_peer: "방금 누가 나갔어요.",
  unauthorized: "비공개 서버예요. 서버를 운영하는 분께 접속 토큰이 들어 있는 주소를 받아 주세요.",
  join_timeout: "제때 방에 들어가지 못했어요. 다시 들어와 주세요.",
  internal: "서버에 문제가 생겼어요. 잠시 후 다시 해 주세요.",
};

/**
 * Why a connection failed, where it is not a library that says it.
 * @type {Record<string, string>}
 */
const FAILURES = {
  path_lost: "연결 경로가 끊겼어요",
  closed: "연결이 닫혔어요",
  closed_there: "상대가 연결을 끊었어요",
  overrun: "연결이 밀려서 끊겼어요",
};

/** @type {Notices} */
const notices = {
  name_empty: ({ field }) => `${NAME[field]}이 비어 있어요. 한 글자 이상 써 주세요.`,
  name_too_long: ({ field, length, limit }) =>
    `${NAME[field]}이 ${length}자예요. ${limit}자까지 쓸 수 있어요.`,
  name_control_character: ({ field }) =>
    `${NAME[field]}에 제어 문자가 들어 있어요. 글자, 숫자, 빈칸, 문장 부호만 써 주세요.`,
  invite_no_room: () =>
    "초대 링크에 방 이름이 없어요. https://example.org/standup 같은 모양이어야 해요. 링크를 다시 받거나 방 이름을 써 주세요.",
  invite_bad_address: ({ address }) =>
    `초대 링크의 “${address}” 값은 서버 주소가 아니에요. https://example.org/standup 같은 모양이어야 해요. 링크를 다시 받아 주세요.`,

  refused: ({ code }) => REFUSALS[code],
  server_silent: () => "서버가 응답하지 않아요. 다시 해 보거나 다른 서버를 써 주세요.",
  server_ended: () => "서버가 통화를 끝냈어요. 나중에 다시 들어와 주세요.",
  server_lost: () => "서버와 연결이 끊겼어요.",
  server_bad_address: ({ address }) =>
    `“${address}” 값은 서버 주소가 아니에요. wss://example.org 또는 ws://192.168.1.5:6278 같은 모양이어야 해요.`,
  server_wrong_scheme: ({ scheme }) =>
    `서버 주소는 ${scheme}:// 대신 ws:// 또는 wss:// 로 시작해야 해요.`,
  server_unknown_host: ({ host }) =>
    `${host} 서버에 연결할 수 없어요(없는 주소예요). 주소와 네트워크를 확인해 주세요.`,
  server_nothing_listens: ({ host }) =>
    `${host} 서버에 연결할 수 없어요(그곳에 켜진 서버가 없어요). 주소와 네트워크를 확인해 주세요.`,
  server_hung_up: ({ host }) =>
    `${host} 서버에 연결할 수 없어요(상대가 연결을 끊었어요). 주소와 네트워크를 확인해 주세요.`,
  server_unreachable: ({ host, problem }) =>
    `${host} 서버에 연결할 수 없어요(${problem}). 주소와 네트워크를 확인해 주세요.`,
  server_timed_out: ({ host }) => `${host} 서버가 응답하지 않아요. 주소와 네트워크를 확인해 주세요.`,
  server_not_trusted: ({ host, problem }) =>
    `이 컴퓨터는 ${host} 서버의 인증서를 믿지 않아요(${problem}). 올바른 인증서가 있는 서버를 써 주세요.`,
  server_not_maru: ({ host }) => `${host} 주소에 있는 것은 Maru 서버가 아니에요. 주소를 확인해 주세요.`,
  server_other_version: ({ host }) =>
    `${host} 서버는 다른 버전의 Maru예요. 서버나 이 앱을 업데이트해 주세요.`,
  automatic_port_taken: ({ port }) =>
    `Maru가 아닌 프로그램이 이 컴퓨터의 ${port}번 포트를 쓰고 있어서, 따로 정한 서버 없이는 통화할 수 없어요. ` +
    "그 프로그램을 끄거나 Maru 서버의 주소를 넣어 주세요.",
  automatic_other_version: ({ version }) =>
    `이 컴퓨터에서 다른 버전의 Maru(${version})가 켜져 있어요. 그것을 끄거나 둘을 같은 버전으로 설치해 주세요.`,
  automatic_failed: ({ problem }) =>
    `이 컴퓨터의 서버가 켜지지 않아요(${problem}). Maru를 다시 켜거나 서버 주소를 넣어 주세요.`,

  in_a_room_already: () => "이미 방에 들어와 있어요. 먼저 그 방에서 나가 주세요.",
  joined_elsewhere: () => "다른 곳에서 이 방에 다시 들어가서 이 통화는 끝났어요.",
  peer_no_path: ({ name }) =>
    `${name} 님과 연결하지 못했어요(연결할 길을 찾지 못했어요). 다시 들어와 달라고 부탁해 보세요.`,
  peer_failed: ({ name, problem }) =>
    `${name} 님과 연결하지 못했어요(${FAILURES[problem] ?? problem}). 다시 들어와 달라고 부탁해 보세요.`,
  no_relay: () =>
    "이 서버는 중계를 해 주지 않는데 중계로만 연결하게 되어 있어서 아무와도 연결할 수 없어요. 다른 서버를 쓰거나 내 IP " +
    "주소를 알려도 되게 바꿔 주세요.",

  chat_not_in_a_room: () => "방에 들어와 있지 않아서 아무도 이 글을 읽을 수 없어요. 먼저 방에 들어와 주세요.",
  chat_too_long: ({ bytes, limit }) =>
    `메시지가 ${bytes}바이트예요. ${limit}바이트까지 보낼 수 있으니 나누어 보내 주세요.`,
  chat_too_fast: ({ messages, seconds }) =>
    `너무 빨라요. ${seconds}초에 ${messages}개까지 보낼 수 있어요. 잠시 후 다시 보내 주세요.`,

  file_not_in_a_room: () => "방에 들어와 있지 않아서 아무도 이 파일을 받을 수 없어요. 먼저 방에 들어와 주세요.",
  file_nobody: () => "이 파일을 받을 수 있는 사람이 아직 연결되지 않았어요. 누군가 들어올 때까지 기다려 주세요.",
  file_not_for: ({ name }) => `${name} 님은 파일을 받을 수 없어요. 프로그램이 너무 오래되었거나 다른 프로그램이에요.`,
  file_too_large: ({ name, limit }) => `“${name}” 파일이 너무 커요. ${bytes(limit)}까지 보낼 수 있으니 나누어 보내 주세요.`,
  file_too_many: ({ name, limit }) =>
    `이미 파일 ${limit}개를 ${name} 님에게 보내는 중이에요. 하나가 끝날 때까지 기다려 주세요.`,
  file_not_picked: () => "이 파일을 더는 알 수 없어요. 다시 골라 주세요.",
  file_not_a_file: ({ name }) => `“${name}” 항목은 파일이 아니에요. 파일을 골라 주세요. 폴더는 먼저 압축해 주세요.`,
  file_vanished: ({ name }) => `“${name}” 파일을 고른 뒤에 옮겨졌거나 지워졌거나 바뀌었어요. 다시 골라 주세요.`,
  file_unreadable: ({ name, problem }) => `“${name}” 파일을 읽을 수 없어요: ${problem}.`,
  file_no_folder: () => "이 컴퓨터에 다운로드 폴더가 없어요. 폴더를 만들고 Maru를 다시 시작해 주세요.",
  file_disk_full: () => "디스크에 이 파일을 담을 자리가 없어요. 자리를 만들고 다시 보내 달라고 해 주세요.",
  file_not_saved: ({ problem }) => `파일을 저장할 수 없어요: ${problem}. 다운로드 폴더에 쓸 수 있는지 확인해 주세요.`,
  file_damaged: () => "파일이 손상된 채 도착해서 버렸어요. 다시 보내 달라고 해 주세요.",
  file_garbled: ({ name }) =>
    `${name} 님에게서 온 것이 보내겠다던 것과 달라서 아무것도 남기지 않았어요. 다시 보내 달라고 해 주세요.`,
  file_peer_left: ({ name }) => `파일을 다 보내기 전에 ${name} 님이 나갔어요. 둘 다 있을 때 다시 보내 주세요.`,
  file_peer_vanished: ({ name }) => `${name} 님 쪽에서 파일이 옮겨졌거나 바뀌었어요. 다시 보내 달라고 해 주세요.`,
  file_peer_too_many: ({ name }) => `${name} 님이 답해야 할 파일이 너무 많아요. 나중에 다시 보내 주세요.`,
  file_peer_too_large: ({ name }) => `${name} 님이 받기에는 파일이 너무 커요. 나누어 보내 주세요.`,
  file_peer_disk_full: ({ name }) => `${name} 님의 디스크가 가득 찼어요.`,
  file_peer_damaged: ({ name }) => `파일이 ${name} 님에게 손상된 채 도착해서 버려졌어요. 다시 보내 주세요.`,
  file_peer_not_saved: ({ name }) => `${name} 님이 파일을 저장하지 못했어요. 다시 보내 주세요.`,
  file_too_large_here: ({ limit }) =>
    `이 브라우저에는 ${bytes(limit)}까지의 파일만 담을 수 있어요. 비공개 모드가 아닌 최신 브라우저나 앱을 써 주세요.`,

  screen_not_in_a_room: () => "먼저 방에 들어간 다음 화면을 공유해 주세요.",
  screen_unknown: () => "고른 화면이나 창이 이제 없어요. 다른 화면이나 창을 골라 주세요.",
  screen_closed: ({ name }) => `“${name}” 창이 닫혀서 공유를 끝냈어요. 다른 화면이나 창을 골라 주세요.`,
  screen_denied: ({ system }) =>
    "시스템이 Maru의 화면 보기를 막고 있어요. " +
    (system === "macos"
      ? "시스템 설정 → 개인정보 보호 및 보안 → 화면 및 시스템 오디오 녹음에서 Maru를 켜고 Maru를 다시 시작해 주세요."
      : system === "windows"
        ? "이 컴퓨터를 관리하는 사람에게 문의하거나 다른 창을 골라 주세요."
        : "시스템이 물을 때 허용하거나 시스템 설정에서 허용해 주세요."),
  screen_unsupported: ({ system, problem }) =>
    `여기서는 화면이나 창을 공유할 수 없어요(${problem}). ` +
    (system === "linux"
      ? "Wayland에서는 데스크톱의 포털(xdg-desktop-portal과 PipeWire)로 공유해요. 아니면 “Xorg” 세션으로 로그인해 주세요."
      : "시스템을 새 버전으로 올리면 될 수도 있어요."),
  screen_file: ({ path, problem }) => `${path} 파일을 공유할 수 없어요(${problem}).`,
  screen_failed: ({ name, problem }) => `“${name}” 화면을 공유할 수 없어요(${problem}).`,

  device_none: ({ kind }) => `${DEVICE[kind]}가 없어요. 연결하거나 없이 계속해 주세요.`,
  device_unknown: ({ kind, id }) => `“${id}” ${DEVICE[kind]}가 없어요. 다른 ${DEVICE[kind]}를 골라 주세요.`,
  device_busy: ({ kind, name, system }) =>
    `다른 프로그램이 “${name}” ${DEVICE[kind]}를 쓰고 있어요. 그 프로그램을 끄거나 다른 ${DEVICE[kind]}를 골라 주세요.` +
    (system === "windows" && kind !== "camera"
      ? " 또 그러면 설정 → 시스템 → 소리 → 해당 장치 → 고급에서 앱이 장치를 단독으로 쓰지 못하게 해 주세요."
      : ""),
  device_denied: ({ kind, system }) => `시스템이 Maru의 ${DEVICE[kind]} 사용을 막고 있어요. ${allow(system, kind)}`,
  device_lost: ({ kind, name }) =>
    `“${name}” ${DEVICE[kind]}가 사라졌어요. 다시 연결하거나 다른 ${DEVICE[kind]}를 골라 주세요.`,
  device_file: ({ kind, path, problem }) => `${path} 파일을 ${DEVICE[kind]}로 쓸 수 없어요(${problem}).`,
  device_failed: ({ kind, name, problem }) =>
    `“${name}” ${DEVICE[kind]}가 작동하지 않아요${problem === "" ? "" : `(${problem})`}.`,

  device_replaced: ({ kind, name, instead, follows_system }) =>
    `“${name}” ${DEVICE[kind]}가 사라졌어요. 다시 연결될 때까지 “${follows_system ? systemDefault(instead) : instead}” ` +
    `${DEVICE[kind]}를 써요.`,
  device_back: ({ kind, name }) => `“${name}” ${DEVICE[kind]}가 다시 연결되어 이제 그 장치를 써요.`,

  guests_not_let_in: ({ problem }) => `이 네트워크의 브라우저가 들어올 수 없어요: ${problem}`,
  folder_not_opened: ({ path }) => `여기서 폴더를 열 수 없어요. 폴더 위치: ${path}`,
  no_logs: () => "이 컴퓨터에는 로그 폴더가 없어요.",
  settings_not_saved: ({ problem }) =>
    `설정을 저장하지 못했어요(${problem}). 디스크에 자리가 있는지, 쓸 권한이 있는지 확인해 주세요.`,
  token_not_kept: ({ problem }) =>
    `이 컴퓨터에는 서버의 접속 토큰을 안전하게 둘 곳이 없어요(${problem}). 창을 닫을 때까지만 쓰니, 다음에는 토큰이 ` +
    "든 주소를 다시 넣어 주세요.",
  settings_broken: ({ file }) => `설정을 읽지 못해 처음 설정으로 시작해요. 예전 파일은 여기에 남겨 두었어요: ${file}`,
  settings_newer: () =>
    "더 새로운 Maru가 쓴 설정이에요. 알아볼 수 있는 것만 쓰고 그 파일은 그대로 둬요. 지금 바꾸는 것은 창을 닫을 때까지만 " +
    "남아요.",
  shortcut_taken: ({ shortcut }) => `다른 프로그램이 쓰는 단축키예요(${shortcut}). 다른 키를 골라 주세요.`,
  shortcut_unknown: ({ shortcut }) =>
    `어디서나 쓸 수 없는 키예요(${shortcut}). Ctrl, Alt, ⌘ 가운데 하나를 누른 채 다른 키를 눌러 주세요.`,
  shortcut_wayland: () =>
    "이 데스크톱(Wayland)에서는 다른 앱을 쓰는 동안 어떤 앱도 키를 들을 수 없어요. 어디서나 쓰는 단축키는 X11에서 돼요.",
  window_not_opened: ({ problem }) => `새 창을 열지 못했어요(${problem}). --new-window를 붙여 Maru를 시작해 주세요.`,
  update_failed: ({ problem }) => `업데이트를 설치하지 못했어요(${problem}). 나중에 다시 해 주세요.`,
  update_in_call: () => "통화 중에는 Maru를 업데이트하지 않아요. 먼저 방에서 나가 주세요.",

  page_not_secure: () =>
    "브라우저는 https로 연 페이지에만 카메라와 마이크를 내줘요. 지금도 들어가서 보고 들을 수 있어요. 얼굴과 목소리를 " +
    "보내려면 https://로 시작하는 링크를 받아 주세요.",
  no_webrtc: () =>
    "이 브라우저로는 통화할 수 없어요(WebRTC가 없거나 꺼져 있어요). 최신 Chrome, Edge, Firefox, Safari를 써 주세요.",
  no_devices: () => "카메라와 마이크를 찾지 못했어요. 지금도 들어가서 보고 들을 수 있어요. 장치는 언제든 연결해 주세요.",
  no_common_codec: ({ name }) =>
    `${name} 님과 함께 쓸 수 있는 영상 형식이 없어서 서로 화면이 보이지 않아요. 소리와 채팅은 돼요. 다른 브라우저를 ` +
    "써 보세요.",
  permission_denied: ({ kind }) =>
    `브라우저가 이 페이지의 ${DEVICE[kind]} 사용을 막고 있어요. 주소 옆의 표시를 눌러 ${DEVICE[kind]}를 허용하고 다시 골라 주세요.`,
  screen_refused: () =>
    "시스템이 이 브라우저의 화면 공유를 막고 있어요. 시스템 설정에서 허용하고 브라우저를 다시 시작해 주세요.",
  screen_failed_here: ({ problem }) =>
    `이 브라우저에서 화면을 공유하지 못했어요${problem === "" ? "" : `(${problem})`}. 다시 하거나 다른 것을 골라 주세요.`,
  device_in_use: ({ kind, name }) =>
    `다른 프로그램이나 페이지가 “${name}” ${DEVICE[kind]}를 쓰고 있어요. 그것을 닫거나 다른 ${DEVICE[kind]}를 골라 주세요.`,
  device_missing: ({ kind }) => `고른 ${DEVICE[kind]}가 연결되어 있지 않아요. 다른 ${DEVICE[kind]}를 골라 주세요.`,
  settings_not_kept: () => "이 브라우저에는 아무것도 저장할 수 없어요. 이름과 설정은 창을 닫을 때까지만 남아요.",
  part_not_loaded: () =>
    "페이지의 이 부분을 불러오지 못했어요. 네트워크를 확인하고 다시 시도하세요. 그래도 안 되면 페이지를 새로 고치세요.",

  sound_blocked: () => "브라우저가 소리를 막고 있어요. 화면을 누르면 다른 사람의 소리가 들려요.",
};

/** @type {import("./dictionary").Dictionary} */
export const ko = {
  appName: "Maru",
  tagline: "방 이름을 쓰거나 초대 링크를 붙여 넣어 주세요. 같은 이름을 쓴 사람과 만나요.",
  taglineGuest: "설치할 것 없이 이름만 쓰면 들어갈 수 있어요.",

  // 들어가기
  joinTitle: "방에 들어가기",
  joinTitleOf: (room) => `${room} 방에 들어가기`,
  nameLabel: "내 이름",
  namePlaceholder: "다른 사람에게 보일 이름",
  roomLabel: "방",
  roomPlaceholder: "아침 회의",
  newRoom: "새 방",
  roomWordsFirst:
    "푸른 하얀 노란 고운 맑은 밝은 따뜻한 포근한 시원한 조용한 반가운 즐거운 신나는 씩씩한 든든한 느긋한 부지런한 다정한 상냥한 " +
    "용감한 재빠른 커다란 조그만 동그란 반짝이는 춤추는 노래하는 웃는 꿈꾸는 달리는 헤엄치는 날아가는 향긋한 달콤한 새콤한 고소한 " +
    "싱그러운 눈부신 촉촉한 보드라운",
  roomWordsSecond:
    "고래 나비 여우 토끼 수달 다람쥐 참새 두루미 부엉이 거북이 호랑이 판다 사슴 코끼리 돌고래 해바라기 민들레 소나무 은행나무 단풍 " +
    "구름 무지개 별빛 달빛 노을 바다 섬 등대 언덕 숲 시냇물 마당 마루 골목 다리 정원 찻집 빵집 도서관 우체국 기차 돛단배 연필 우산 " +
    "호떡 수박 복숭아 감자 옥수수 만두",
  join: "들어가기",
  joinAgain: "다시 들어가기",
  joining: "들어가는 중…",
  connectingTo: (host) => `${host} 서버에 연결하는 중…`,
  leftRoom: (room) => `${room} 방에서 나왔어요.`,
  cancel: "취소",
  advanced: "고급 설정",
  serverLabel: "서버",
  serverPlaceholder: "자동",
  serverHint: "비워 두면 서버 없이 만나요. 다른 서버는 wss://maru.example.com 같은 주소를 넣어 주세요.",
  forceFallback: "영상을 창이 아니라 앱에서 디코딩하기",
  forceFallbackHint: "느려져요. 다른 사람의 영상이 깨지거나 보이지 않을 때 켜 보세요.",
  syntheticDevices: "시험용 화면과 시험용 소리를 장치 목록에 넣기",
  findOnNetwork: "이 네트워크에서 방 찾기",
  findOnNetworkHint: "같은 네트워크에서 같은 방 이름을 쓴 사람과 만나요. 다른 사람은 방 이름을 읽을 수 없어요.",
  addressesLabel: "다른 사람에게 알려지는 내 IP 주소",
  addressesAll: "모두 알리고 가장 짧은 길로 연결하기",
  addressesHidePrivate: "내 네트워크 안의 주소 숨기기",
  addressesRelayOnly: "모두 숨기고 서버의 중계로만 연결하기",
  addressesHint: "중계를 거치면 길이 멀어져서 조금 늦게 들려요. 중계를 해 주지 않는 서버에서는 아무와도 연결할 수 없어요.",
  guestsOnNetwork: "이 네트워크의 브라우저가 들어올 수 있게 하기",
  guestsOnNetworkHint: "켜면 같은 네트워크의 컴퓨터와 휴대폰이 앱 없이 방 링크를 열 수 있어요.",
  languageLabel: "언어",
  languageSystem: "시스템 언어",
  previewLabel: "내 카메라 화면",
  recentRooms: "최근 방",

  // 이 컴퓨터에서
  desktopTitle: "다른 앱을 쓸 때",
  desktopNotify: "다른 앱을 쓰는 동안 누가 들어오거나 글을 쓰면 알리기",
  desktopNotifyText: "알림에 글 내용도 보이기",
  desktopNotifyTextHint: "알림은 잠긴 화면에도 보이고, 화면을 함께 보는 사람도 읽을 수 있어요.",
  desktopMini: "다른 앱을 쓰는 동안 말하는 사람을 작은 창으로 보이기",
  desktopMuteKeys: "어디서나 음소거",
  desktopTalkKeys: "어디서나 누르는 동안 말하기",
  desktopKeysPlaceholder: "키 없음",
  desktopKeysHint: "여기를 누르고 키를 눌러 주세요. Backspace를 누르면 지워져요.",
  newWindow: "새 창",
  newWindowHint: "이 통화와 따로 다른 통화를 할 때 써요.",

  // 통화 전 점검
  checkOpen: "카메라, 소리, 연결 점검",
  checkTitle: "카메라, 소리, 연결",
  checkAgain: "다시 점검",
  check: {
    steps: {
      camera: "카메라",
      microphone: "마이크",
      speaker: "스피커",
      server: "서버",
      udp: "바로 가는 길(UDP)",
      relay: "중계 서버",
    },
    waiting: "다음 차례예요",
    running: "점검 중…",
    noAnswer: "제때 답이 없어요. 네트워크를 확인하고 다시 점검해 주세요.",
    untried: "점검하지 못했어요. 서버가 있어야 해요.",
    cameraOpens: "카메라 화면을 보는 중…",
    /** @param {number} fps */
    cameraGood: (fps) => `잘 돼요. 초당 화면 ${fps}장이에요.`,
    /** @param {number} fps */
    cameraSlow: (fps) => `초당 화면이 ${fps}장뿐이에요. 불을 더 켜거나 다른 프로그램을 닫아 보세요.`,
    cameraFails: "화면이 오지 않아요. 다른 카메라를 고르거나, 다시 연결하거나, 카메라를 쓰는 다른 프로그램을 닫아 주세요.",
    cameraOff: "꺼져 있어요. 켜면 점검할 수 있어요. 꺼도 통화는 돼요.",
    cameraNone: "고른 카메라가 없어요. 없어도 통화는 돼요.",
    microphoneSpeak: "아무 말이나 해 보세요…",
    microphoneGood: "목소리가 들려요.",
    microphoneSilent: "아무것도 들리지 않아요. 말해 보거나, 다른 마이크를 고르거나, 시스템 설정에서 마이크 소리를 키워 주세요.",
    microphoneOff: "음소거되어 있어요. 해제하면 점검할 수 있어요.",
    microphoneNone: "고른 마이크가 없어요. 내 목소리가 들리지 않을 거예요.",
    speakerAsk: "소리를 들려드리고 있어요. 들리셨나요?",
    yes: "네",
    no: "아니요",
    speakerGood: "다른 사람들의 소리가 들려요.",
    speakerNotHeard: "음량을 높이거나 다른 스피커를 고르고 다시 점검해 주세요.",
    speakerNoAnswer: "들렸는지 답하지 않으셨어요.",
    speakerNone: "고른 스피커가 없어요. 아무 소리도 들리지 않을 거예요.",
    /** @param {number} ms */
    serverGood: (ms) => `${ms}ms 만에 닿았어요.`,
    udpGood: "지나갈 수 있어요.",
    udpBlocked: "이 네트워크에서 막혀 있어요. 통화는 더 오래 걸리는 중계 서버를 거쳐요.",
    udpUnknown: "확인할 수 없어요. 이 서버에는 STUN이 없어요. 같은 네트워크 안에서는 필요하지 않아요.",
    relayGood: "잘 돼요. 바로 가는 길이 없을 때 쓰여요.",
    /** @param {string} protocol */
    relayGoodBy: (protocol) => `${protocol} 방식으로 잘 돼요. 바로 가는 길이 없을 때 쓰여요.`,
    relayFails: "답이 없어요. 바로 가는 길이 없으면 아무와도 연결되지 않으니 다른 네트워크를 써 보세요.",
    relayNone: "이 서버에는 없어요. 엄격한 방화벽 뒤의 사람과는 연결되지 않을 수 있어요.",
  },

  // 링크
  linkTo: (room) => `${room} 방으로 가는 링크를 열었어요. 들어갈까요?`,
  linkToInCall: (room) => `${room} 방으로 가는 링크를 열었어요. 이 통화에서 나가고 그 방에 들어갈까요?`,
  leaveAndJoin: "나가고 들어가기",
  openSettings: "설정 열기",
  updateThere: (version) => `새 버전이 나왔어요: Maru ${version}`,
  updateInstall: "설치하고 다시 시작",

  // 시스템의 메뉴와 알림
  menuShow: "Maru 보기",
  menuQuit: "Maru 종료",
  menuAbout: "Maru에 관하여",
  menuHide: "Maru 가리기",
  menuHideOthers: "기타 가리기",
  menuShowAll: "모두 보기",
  menuFile: "파일",
  menuClose: "창 닫기",
  menuEdit: "편집",
  menuUndo: "실행 취소",
  menuRedo: "다시 실행",
  menuCut: "오려두기",
  menuCopy: "복사하기",
  menuPaste: "붙여넣기",
  menuSelectAll: "전체 선택",
  menuCall: "통화",
  menuWindow: "윈도우",
  menuMinimize: "최소화",
  menuZoom: "확대/축소",
  menuFullscreen: "전체 화면",
  menuHelp: "도움말",
  wroteMessage: (name) => `${name} 님이 메시지를 보냈어요.`,
  awakeReason: "통화 중",

  // 작은 창
  miniLabel: "통화",
  backToWindow: "창으로 돌아가기",

  // 장치
  cameraLabel: "카메라",
  microphoneLabel: "마이크",
  speakerLabel: "스피커",
  noCamera: "카메라 없음",
  noMicrophone: "마이크 없음",
  noSpeaker: "스피커 없음",
  systemDefault,
  testSpeaker: "시험 소리 듣기",
  missingDevice: "연결되지 않음",
  levelLabel: "마이크 소리 크기",
  voiceTitle: "내 목소리",
  voiceEcho: "에코 없애기",
  voiceAuto: "에코가 있을 때만",
  voiceOn: "켜기",
  voiceOff: "끄기",
  voiceNoise: "주변 소음 줄이기",
  voiceGain: "목소리 크기 고르게 하기",
  devicesTitle: "카메라와 소리",
  flipCamera: "앞뒤 카메라 바꾸기",

  // 내 화면
  you: "나",
  selfCameraOff: "카메라가 꺼져 있어요",
  selfNoCamera: "고른 카메라가 없어요",
  selfStarting: "카메라를 켜는 중…",
  selfNoPicture: "이 카메라에서 영상이 오지 않아요",

  // 통화
  callLabel: "통화",
  stageLabel: "참가자",
  controlsLabel: "통화 버튼",
  mute: "음소거",
  unmute: "음소거 해제",
  muteLabel: "마이크 음소거",
  cameraOff: "카메라 끄기",
  cameraOn: "카메라 켜기",
  cameraOffLabel: "카메라 끄기",
  devices: "카메라와 소리",
  chat: "채팅",
  leave: "나가기",
  close: "닫기",
  waitingTitle: "가장 먼저 들어왔어요",
  waitingTitleAgain: "다른 사람은 모두 나갔어요",
  waitingText: "Maru에서 이 방 이름을 써도 돼요.",
  copyRoom: "방 이름 복사",
  copied: "복사했어요",
  copyFailed: "Ctrl+C 또는 ⌘C를 누르면 선택한 글이 복사돼요.",
  connecting: "연결하는 중…",
  restarting: "다시 연결하는 중…",
  closed: "연결되지 않음",
  waitingForVideo: "영상을 기다리는 중…",
  serverReconnecting: "서버에 연결되지 않지만 통화는 계속돼요. 다시 연결하는 중…",
  participants: (count) => (count === 1 ? "나 혼자" : `${count}명`),

  // 화면 공유
  share: "화면 공유",
  stopSharing: "공유 끝내기",
  menuShare: "화면 공유…",
  sharingLabel: "내가 공유하는 것",
  youShare: (name) => `“${name}” 공유 중이에요`,
  youShareUnnamed: {
    screen: "내 화면을 공유하고 있어요",
    window: "창을 공유하고 있어요",
    portal: "고른 것을 공유하고 있어요",
  },
  screenOf: (name) => `${name} 님의 화면`,
  sharedScreens: "공유된 화면",
  waitingForScreen: "화면을 기다리는 중…",
  shareActual: "실제 크기로 보기",
  shareFit: "창에 맞춰 보기",
  fullscreen: "전체 화면",
  leaveFullscreen: "전체 화면 끝내기",
  pickTitle: "무엇을 공유할까요?",
  pickText: "공유를 끝낼 때까지 그 안에서 일어나는 일이 방에 있는 모두에게 보여요.",
  pickScreens: "화면",
  pickWindows: "창",
  pickPortal: "데스크톱의 대화 상자에서 고르기…",
  pickLoading: "화면과 창을 찾는 중…",
  pickNothing: "여기에는 공유할 수 있는 것이 없어요.",
  pickShare: "공유하기",

  // 초대
  invite: "초대",
  inviteTitle: "다른 사람 초대하기",
  inviteText: "이 링크를 보내 주세요. 어떤 브라우저에서나 열리고, 앱은 없어도 돼요.",
  copyLink: "링크 복사",
  noLink: "이 방에는 링크가 없어요. 다른 사람은 Maru에서 방 이름을 쓰면 돼요.",
  linkScopes: {
    machine: "이 컴퓨터에서만 열리는 링크예요.",
    network: "이 네트워크에서만 열리는 링크예요.",
    public: "어디서나 열리는 링크예요.",
  },
  fingerprintText:
    "브라우저가 이 컴퓨터의 인증서를 모른다고 경고할 거예요. 계속하기 전에 인증서의 SHA-256 지문이 아래와 같은지 확인해 주세요.",
  qrLabel: "휴대폰 카메라로 찍을 링크 QR 코드",

  // 여기서 듣는 소리 크기
  /** @param {string} name */
  volumeOf: (name) => `${name} 님 소리 크기`,
  /** @param {string} name */
  muteForMe: (name) => `${name} 님 소리를 나에게만 들리지 않게 하기`,
  mutedHint: "음소거 중이라 아무도 듣지 못해요.",

  // 연결 상태
  /** @param {string} name */
  connectionOf: (name) => `${name} 님과의 연결`,
  /** 맨 위의 한 문장. */
  verdicts: {
    measuring: "재는 중…",
    well: "모두 괜찮아요.",
    relay: "바로 가는 길을 찾지 못해서 소리와 화면이 중계 서버를 거쳐요.",
    relayWanted: "원하신 대로 소리와 화면이 중계 서버를 거쳐요.",
    cpu: "이 컴퓨터가 이 화면 크기에는 느려서 더 작은 화면을 보내요.",
    /** @param {number} percent */
    uplinkLoss: (percent) => `내 회선이 보내는 것의 ${percent}%를 잃어요.`,
    /** @param {number} percent */
    downlinkLoss: (percent) => `내 회선이 받는 것의 ${percent}%를 잃어요.`,
    /** @param {string} name @param {number} percent */
    sentLoss: (name, percent) => `${name} 님의 회선이 내가 보내는 것의 ${percent}%를 잃어요.`,
    /** @param {string} name @param {number} percent */
    receivedLoss: (name, percent) => `${name} 님의 회선이 거기서 보내는 것의 ${percent}%를 잃어요.`,
    /** @param {string} name @param {number} ms */
    far: (name, ms) => `${name} 님까지의 길이 멀어요. 갔다 오는 데 ${ms}ms가 걸려요.`,
    /** @param {string} name @param {number} percent */
    uneven: (name, percent) => `${name} 님의 소리가 고르게 오지 않아서 ${percent}%를 지어내야 했어요.`,
  },
  markFair: "연결이 보통이에요",
  markBad: "연결이 나빠요",
  diagnostics: "보고서",
  copyDiagnostics: "보고서 복사",
  diagnosticsCopied: "복사했어요. 이것이 전부예요. 이름도, 방도, 주소도 없어요.",
  openLogs: "로그 폴더 열기",
  figurePath: "경로",
  pathNetwork: "이 네트워크 안에서 바로",
  pathInternet: "인터넷으로 바로",
  pathRelay: "중계 서버를 거쳐서",
  /** @param {string} protocol */
  pathRelayBy: (protocol) => `중계 서버를 거쳐서(${protocol})`,
  figureRoundTrip: "왕복 시간",
  figureLossSent: "가는 길의 손실",
  figureLossReceived: "오는 길의 손실",
  figureSent: "보냄",
  figureReceived: "받음",
  figureFps: "초당 화면 수",
  figurePictureThere: "보내는 화면",
  figurePictureHere: "받는 화면",
  figureEncoder: "인코더",
  figureGivesWay: "화면을 줄인 까닭",
  figureJitterBuffer: "지터 버퍼",
  figureConcealed: "채워 넣은 소리",
  figureSound: "소리",
  encodedByHardware: "하드웨어",
  encodedBySoftware: "소프트웨어",
  givesWay: { none: "없음", cpu: "느린 프로세서", bandwidth: "좁은 경로", other: "다른 까닭" },
  /** @param {string} now @param {string} target */
  bufferOf: (now, target) => `${now} (목표 ${target})`,
  unknownFigure: "알 수 없음",
  /** @param {string} lowest @param {string} highest */
  lastMinute: (lowest, highest) => `지난 1분: ${lowest}부터 ${highest}까지`,

  // 상태 표시
  markMuted: "음소거",
  markCameraOff: "카메라 꺼짐",
  markSharing: "화면 공유 중",
  markMutedForMe: "나에게만 음소거",

  // 채팅
  chatTitle: "채팅",
  chatEmpty: "아직 아무 말도 없어요. 여기에 쓰면 방에 있는 모두가 읽어요.",
  chatPlaceholder: "모두에게 쓰기",
  chatInputLabel: "메시지",
  send: "보내기",
  chatTooLong: "메시지가 너무 길어요. 줄이거나 나누어 보내 주세요.",

  // 파일
  attach: "파일 보내기",
  dropHere: "여기에 파일을 놓으면 모두에게 보낼 수 있어요",
  accept: "받기",
  decline: "거절",
  acceptFile: (file) => `${file} 받기`,
  declineFile: (file) => `${file} 거절`,
  cancelFile: (file) => `${file} 취소`,
  progressOf: (file) => `${file} 진행 상황`,
  fileTo: (name) => `${name} 님에게`,
  fileFrom: (name) => `${name} 님에게서`,
  fileMoved: (moved, size) => `${size} 중 ${moved}`,
  secondsLeft: (seconds) => `${seconds}초 남음`,
  minutesLeft: (minutes) => `${minutes}분 남음`,
  fileAsked: "답을 기다리는 중",
  fileWaiting: "연결을 기다리는 중이에요. 저절로 이어져요",
  fileChecking: "확인하는 중…",
  fileSent: "보냈어요",
  fileSaved: (name) => `저장한 이름: ${name}`,
  fileDeclined: "거절했어요",
  fileCancelled: "취소했어요",

  unread: (count) => `읽지 않은 메시지 ${count}개`,

  // 알림
  dismiss: "알림 닫기",
  tryAgain: "다시 하기",
  chooseDevices: "장치 고르기",
  changeServer: "서버 바꾸기",
  reload: "새로 고침",
  stopTitle: "여기서는 Maru를 시작할 수 없어요",
  tapToHear: "눌러서 소리 듣기",
  notices,

  // 읽어 주는 말
  saidJoined: (name) => `${name} 님이 들어왔어요.`,
  saidLeft: (name) => `${name} 님이 나갔어요.`,
  saidRestarting: (name) => `${name} 님과 연결이 끊겼어요. 다시 연결하는 중이에요.`,
  saidBack: (name) => `${name} 님과 다시 연결됐어요.`,
  saidInRoom: (room) => `${room} 방에 들어왔어요.`,
  saidAlone: "가장 먼저 들어왔어요.",
  saidLeftCall: "방에서 나왔어요.",
  saidNewRoom: (room) => `새 방의 이름: ${room}`,
  saidServerLost: "서버에 연결되지 않지만 통화는 계속돼요.",
  saidServerBack: "서버와 다시 연결됐어요.",
  saidMuted: "마이크를 껐어요.",
  saidUnmuted: "마이크를 켰어요.",
  saidCameraOff: "카메라를 껐어요.",
  saidCameraOn: "카메라를 켰어요.",
  saidSharing: "화면 공유를 시작했어요.",
  saidNotSharing: "화면 공유를 끝냈어요.",
  saidShares: (name) => `${name} 님이 화면을 공유해요.`,
  saidSharesNoMore: (name) => `${name} 님이 화면 공유를 끝냈어요.`,
  saidFileOffered: (name, file) => `${name} 님이 ${file} 파일을 보내려고 해요.`,
  saidFileDone: (file) => `${file} 파일을 다 주고받았어요.`,
  saidFileEnded: (file) => `${file} 파일은 주고받지 못했어요.`,
  saidChat: (name, text) => `${name} 님: ${text}`,

  // 키
  keyControl: "Ctrl",
  keyShift: "Shift",
};
