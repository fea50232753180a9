/* The console's manners, by attributes that templates set. No page has a script of its own unless it draws charts.

   data-key="b"          pressing b clicks this; "g q" is g, then q; "ctrl enter" also fires in a field. The first that can be used wins, the innermost
                         open place first: dialog, preview, page. A field with a key is focused.
   data-keys="off"       on <body>: single-letter keys do nothing; "/", "?" and the arrows neither.
   data-own="b=q&g+q=w"  on <body>: keys that somebody has instead of the usual ones; data-key is the usual one, whatever is pressed for it.
   data-rows             a list whose rows keys walk (j k, arrows; ="arrows": these alone), one tab stop in all. data-row="1042" is a row, known by that id across swaps.
   data-open             in a row: the link that enter follows.
   data-select           in a row: the checkbox that x ticks (shift x: a range). data-unfold: in a row: the button that enter presses if there is no link.
   data-bulk             a bar that is shown while rows are ticked; in it data-bulk-count and data-bulk-text. Rows carry data-money, data-currency, data-good.
   data-tick-all         around rows: all are ticked at first.
   data-clear            a button that unticks all.
   data-preview="/path"  a button that opens the answer of that address in #preview. With data-of="rows" the ticked rows, else the one in focus, go with it
                         as case=… each.
   data-close            a button that closes the preview.
   data-needs="reason"   a button that stays disabled until its form's field of that name has text or, if it is a choice, a pick.
   data-until-of="for"   in a form: takes data-until of the choice of that name; data-says="for" takes its words; data-when="for=7d 30d" is shown for those.
   data-pending="Blocking"  a form: its rows show this word and a clock until the answer is there. They are its fields `case`, or data-pending-row.
   data-toast, data-undo    see toast.js. data-live="/live/queue" see live.js. */
import "./keys.js";
import "./rows.js";
import "./select.js";
import "./preview.js";
import "./toast.js";
import "./live.js";
import "./refresh.js";
