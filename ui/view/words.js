// @ts-check
// The texts that the system shows on the app's behalf: in its menus, its notifications, its list of what keeps the
// computer awake.

import { strings } from "../strings.js";

/** Where the shell puts a participant's name. */
const NAME = "{name}";

/** @returns {import("../types/shell").Words} */
export function systemWords() {
  return {
    mute: strings.mute,
    share: strings.menuShare,
    stop_sharing: strings.stopSharing,
    leave: strings.leave,
    show: strings.menuShow,
    new_window: strings.newWindow,
    quit: strings.menuQuit,
    joined: strings.saidJoined(NAME),
    wrote: strings.wroteMessage(NAME),
    awake: strings.awakeReason,
    menu: {
      about: strings.menuAbout,
      hide: strings.menuHide,
      hide_others: strings.menuHideOthers,
      show_all: strings.menuShowAll,
      file: strings.menuFile,
      close: strings.menuClose,
      edit: strings.menuEdit,
      undo: strings.menuUndo,
      redo: strings.menuRedo,
      cut: strings.menuCut,
      copy: strings.menuCopy,
      paste: strings.menuPaste,
      select_all: strings.menuSelectAll,
      call: strings.menuCall,
      window: strings.menuWindow,
      minimize: strings.menuMinimize,
      zoom: strings.menuZoom,
      fullscreen: strings.menuFullscreen,
      help: strings.menuHelp,
      logs: strings.openLogs,
    },
  };
}
